import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticPolicy } from '../../src/synthetic/checkpoint.js';
import { warmstep, warmstepJson } from '../support/captured.js';

describe('warmstep bench', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('refuses a horizon that the network cannot halve three times, before anything is measured', async () => {
    const { code, stderr } = await warmstep('bench', '--size', 'tiny', '--horizon', '16,20');
    expect(code).toBe(2);
    expect(stderr).toContain('--horizon must be multiples of 8, found 16,20');
  });

  it('writes a checkpoint that the other commands read', async () => {
    const written = await warmstepJson<{ policy: string; predictor: string; observations: string; bytes: number }>(
      'bench',
      '--size',
      'tiny',
      '--write-checkpoint',
      folder,
    );
    const source = await syntheticPolicy('tiny').open('model.safetensors');
    const expected = new Uint8Array(source.size);
    await source.read(0, expected);
    expect(Buffer.compare(await readFile(join(written.policy, 'model.safetensors')), expected)).toBe(0);
    expect(await warmstepJson('inspect', written.policy)).toMatchObject({ dialect: 'B', parameters: 4_584_650 });
    const output = join(folder, 'actions.safetensors');
    const options = ['--predictor', written.predictor, '--input', written.observations, '--output', output];
    expect(await warmstepJson('run', '--policy', written.policy, ...options)).toMatchObject({ ticks: 32, decisions: 4 });
  });
});
