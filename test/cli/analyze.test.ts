import { describe, expect, it } from 'vitest';
import type { Contraction } from '../../src/analysis/contraction.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';

const CASE = repositoryPath('test/goldens/step-forward-noise');
const SHORT = ['--steps', '2', '--episodes', '1', '--decisions', '1'];

interface ContractionRecord {
  readonly strategy: object;
  readonly request: object;
  readonly situations: readonly { readonly warm: boolean }[];
  readonly series: readonly { readonly name: string; readonly contraction: Contraction }[];
  readonly files: readonly string[];
}

describe('warmstep analyze contraction', () => {
  it('plays with the chosen solver where there is no predictor', async () => {
    const record = await warmstepJson<ContractionRecord>(
      'analyze',
      'contraction',
      '--policy',
      `${CASE}/policy`,
      '--solver',
      'DDPM',
      ...SHORT,
    );
    expect(record).toMatchObject({
      strategy: { name: 'DDPM', steps: 2 },
      request: { solver: 'DDPM', steps: 2, seed: 100_000 },
      situations: [{ warm: false }],
      files: [],
    });
    expect(record.series.map(({ name }) => name)).toEqual(['DDPM 2 from noise']);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no subject', [], /what to analyze must be contraction, found nothing/],
    ['another subject', ['expansion'], /what to analyze must be contraction, found "expansion"/],
    ['a multistep solver', ['contraction', '--solver', 'DPM-Solver++'], /--solver must be one of DDPM, DDIM, found "DPM-Solver\+\+"/],
    ['more steps than timesteps', ['contraction', '--steps', '101'], /--steps must be at most the checkpoint's 100 timesteps, found 101/],
    [
      'seeds that Push-T has not',
      ['contraction', '--episodes', '2', '--seed', '4294967295'],
      /--seed must be at most 4294967294 for 2 episodes/,
    ],
    [
      'a folder that is a file',
      ['contraction', '--output', repositoryPath('package.json')],
      /--output: .*package.json cannot be written: a file of that name is in the way/,
    ],
    ['no episodes', ['contraction', '--episodes', '0'], /--episodes must be a whole number, 1 to 10000, found "0"/],
  ])('refuses %s', async (_, args, message) => {
    const { code, stderr } = await warmstep('analyze', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
