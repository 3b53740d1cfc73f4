import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { hubText, parseHubReference } from '../../src/remote/hub/reference.js';

describe('a reference to the Hub', () => {
  it.each([
    ['hf:lerobot/diffusion_pusht', 'model', 'lerobot/diffusion_pusht', 'main', ''],
    ['hf:me/policy@v1.0', 'model', 'me/policy', 'v1.0', ''],
    ['hf:me/policy@refs/pr/3/last/pretrained_model', 'model', 'me/policy', 'refs/pr/3', 'last/pretrained_model'],
    ['hf:me/policy/checkpoints/last/', 'model', 'me/policy', 'main', 'checkpoints/last'],
    ['hf:datasets/me/pusht@main', 'dataset', 'me/pusht', 'main', ''],
  ])('%s', (text, kind, repository, revision, folder) => {
    const reference = parseHubReference(text);
    expect(reference).toEqual({ kind, repository, revision, folder });
    expect(parseHubReference(hubText(reference))).toEqual(reference);
  });

  it.each([
    'hf:',
    'hf:policy',
    'hf:me/',
    'hf:me/policy@',
    'hf:../../etc',
    'hf:me/..',
    'hf:me/policy/../../x',
    'hf:me/policy@..',
    'hf:me/pol icy\0',
    'hf:me/a\\b',
    'me/policy',
  ])('refuses %s', (text) => {
    expect(() => parseHubReference(text)).toThrow(OptionError);
    expect(() => parseHubReference(text)).toThrow(/expected hf:OWNER\/NAME/);
  });
});
