import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { repositoryPath, warmstep } from '../support/captured.js';
import { type Files, goldenFiles, jsonOf } from '../support/folders.js';

/** Clears the screen, rings, goes back to the start of the line, and adds a line that looks like ours. */
const EVIL = '\x1b[2J\x07\rx\nwarmstep: all is well\u202e';
const SEEN = '\\u001b[2J\\u0007\\rx\\nwarmstep: all is well\\u202e';
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('text from a checkpoint', () => {
  const root = mkdtempSync(join(tmpdir(), 'warmstep-foreign-'));
  afterAll(() => rmSync(root, { recursive: true }));

  const written = (name: string, files: Files): string => {
    const folder = join(root, name);
    mkdirSync(folder);
    for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
    return folder;
  };
  const printed = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await warmstep(...args);
    const text = stdout + stderr;
    expect(text).not.toMatch(UNSEEN);
    expect(text).not.toMatch(/^warmstep: all is well/m);
    return text;
  };
  const dialectB = goldenFiles('state-dialect-b/policy');

  it('in the name of its folder is shown as text, and in JSON keeps its value', async () => {
    const folder = written(EVIL, goldenFiles('state-ddim2/policy'));
    expect(await printed('inspect', folder)).toContain(`policy ${SEEN}\n`);
    expect(JSON.parse(await printed('inspect', folder, '--json'))).toMatchObject({ name: EVIL });
    expect(await printed('inspect', join(root, `none${EVIL}`))).toContain(SEEN);
  });

  it('in the name of a feature is shown as text', async () => {
    const config = jsonOf(dialectB, 'config.json') as { input_features: Record<string, object> };
    const features = { ...config.input_features, [`observation.${EVIL}`]: { type: 'STATE', shape: [4] } };
    const text = await printed(
      'inspect',
      written('feature', { ...dialectB, 'config.json': JSON.stringify({ ...config, input_features: features }) }),
    );
    expect(text).toContain(SEEN);
  });

  it('in the name of a tensor, of a recording or of a checkpoint, is shown as text', async () => {
    const recording = join(root, 'recording.safetensors');
    writeFileSync(recording, encodeSafetensors([{ name: EVIL, dtype: 'F32', shape: [1], data: [1] }]));
    const policy = repositoryPath('test/goldens/state-ddim2/policy');
    expect(await printed('run', '--policy', policy, '--input', recording, '--output', join(root, 'actions'))).toContain(SEEN);
    const model = encodeSafetensors([{ name: `diffusion.unet.${EVIL}`, dtype: 'F32', shape: [1], data: [1] }]);
    expect(await printed('inspect', written('tensor', { ...dialectB, 'model.safetensors': model }))).toMatch(/^warmstep: /);
  });
});
