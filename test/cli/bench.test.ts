import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticPolicy } from '../../src/synthetic/checkpoint.js';
import { warmstep, warmstepJson } from './captured.js';

interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

interface BenchRecord {
  readonly latencyMs: Record<'backToBack' | 'paced' | 'cold', Latencies>;
  readonly loadMs: { readonly ready: number; readonly firstAction: number };
  readonly memory: { readonly modelBytes: number; readonly residentPeak: number };
}

describe('warmstep bench', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures a synthetic policy and keeps the record', async () => {
    const file = join(folder, 'record.json');
    const { code, stdout } = await warmstep('bench', '--size', 'tiny', '--decisions', '3', '--output', file);
    expect(code).toBe(0);
    expect(stdout).toContain('synthetic tiny: 4,584,650 parameters, f32 weights');
    const record = JSON.parse(await readFile(file, 'utf8')) as BenchRecord;
    expect(record).toMatchObject({
      size: 'tiny', precision: 'f32', evaluationsPerDecision: 2, coldEvaluations: 16,
      adapter: { description: expect.any(String) as string },
      environment: { node: process.version, date: expect.any(String) as string },
    });
    expect(record.latencyMs.backToBack.count).toBe(3);
    for (const { p50, p95, p99 } of Object.values(record.latencyMs)) {
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
    }
    expect(record.loadMs.firstAction).toBeGreaterThan(record.loadMs.ready);
    expect(record.memory.residentPeak).toBeGreaterThan(record.memory.modelBytes);
  });

  it('writes a checkpoint that the other commands read', async () => {
    const written = await warmstepJson<{ policy: string; predictor: string; observations: string; bytes: number }>(
      'bench', '--size', 'tiny', '--write-checkpoint', folder);
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
