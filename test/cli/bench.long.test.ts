import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { warmstep } from '../support/captured.js';

interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly max: number;
  readonly p95: number;
  readonly p99: number;
}

interface PicturesRecord {
  readonly points: readonly Readonly<Record<'observeMs' | 'observedMs' | 'unobservedMs' | 'stateMs' | 'encoderBytes' | 'rounds', number>>[];
}

interface BenchRecord {
  readonly timerGapMs: { readonly loading: number; readonly deciding: number };
  readonly latencyMs: Record<'backToBack' | 'paced' | 'cold', Latencies>;
  readonly coldStart: Record<
    | 'readyMs'
    | 'firstActionMs'
    | 'checkpointMs'
    | 'readMs'
    | 'buffersMs'
    | 'uploadMs'
    | 'compileMs'
    | 'rehearseMs'
    | 'otherMs'
    | 'pipelines',
    number
  >;
  readonly hostPath: Record<
    'prepareMs' | 'uploadMs' | 'submitMs' | 'encodeAheadMs' | 'waitMs' | 'readBackMs' | 'uploadBytes' | 'readBackBytes',
    number
  >;
  readonly curves: readonly {
    readonly horizon: number;
    readonly batch: number;
    readonly decisions: number;
    readonly p50Ms: number;
    readonly perSampleMs: number;
  }[];
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
    const { code, stdout } = await warmstep(
      'bench',
      '--size',
      'tiny',
      '--decisions',
      '3',
      '--batch',
      '1,2',
      '--horizon',
      '24',
      '--output',
      file,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('synthetic tiny: 4,584,650 parameters, f32 weights');
    const record = JSON.parse(await readFile(file, 'utf8')) as BenchRecord;
    expect(stdout).toMatch(/a timer of 1 ms waited at most [\d.]+ \S+ while the policy decided, [\d.]+ \S+ while it was loaded/);
    // A timer of 1 ms that ticks at all has gaps of that.
    expect(record.timerGapMs.deciding).toBeGreaterThan(0.5);
    expect(record.timerGapMs.loading).toBeGreaterThan(0.5);
    expect(record).toMatchObject({
      size: 'tiny',
      precision: 'f32',
      evaluationsPerDecision: 2,
      coldEvaluations: 16,
      adapter: { description: expect.any(String) as string },
      environment: { node: process.version, date: expect.any(String) as string },
    });
    expect(record.latencyMs.backToBack.count).toBe(3);
    for (const { p50, p95, p99 } of Object.values(record.latencyMs)) {
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
    }
    const { readyMs, firstActionMs, ...parts } = record.coldStart;
    expect(firstActionMs).toBeGreaterThan(readyMs);
    for (const [name, part] of Object.entries(parts)) expect(part, name).toBeGreaterThan(0);
    // The parts are of one whole: none is longer, and nothing is counted that does not belong to it.
    expect(Math.max(parts.readMs, parts.uploadMs, parts.compileMs, parts.rehearseMs, parts.otherMs)).toBeLessThan(readyMs);
    for (const [name, part] of Object.entries(record.hostPath)) expect(part, name).toBeGreaterThan(0);
    expect(record.hostPath.prepareMs + record.hostPath.submitMs).toBeLessThan(record.latencyMs.backToBack.max);
    expect(record.hostPath.encodeAheadMs).toBeLessThan(record.hostPath.waitMs);
    // Status, chunk and actions of 16 × 10 values, one behind the other.
    expect(record.hostPath.readBackBytes).toBe(16 + 640 + 640);
    expect(record.curves.map(({ horizon, batch }) => [horizon, batch])).toEqual([
      [24, 1],
      [24, 2],
    ]);
    expect(record.curves.map(({ decisions }) => decisions)).toEqual([3, 3]);
    for (const { batch, p50Ms, perSampleMs } of record.curves) expect(perSampleMs).toBeCloseTo(p50Ms / batch);
    expect(record.memory.residentPeak).toBeGreaterThan(record.memory.modelBytes);
  });

  it('measures policies that look through cameras, beside one that does not', async () => {
    const options = ['--size', 'tiny', '--pictures', '24x24', '--cameras', '1,2', '--norm', 'group', '--decisions', '3', '--json'];
    const { code, stdout } = await warmstep('bench', ...options);
    expect(code).toBe(0);
    const { points } = JSON.parse(stdout) as PicturesRecord;
    expect(points).toMatchObject([
      { height: 24, width: 24, cameras: 1, norm: 'group', rounds: 3 },
      { cameras: 2, rounds: 3 },
    ]);
    for (const { observeMs, observedMs, unobservedMs, stateMs, encoderBytes } of points) {
      for (const ms of [observeMs, observedMs, unobservedMs, stateMs]) expect(ms).toBeGreaterThan(0);
      // 11 million weights; the cameras share them.
      expect(encoderBytes).toBeGreaterThan(44e6);
      expect(encoderBytes).toBeLessThan(70e6);
    }
  });
});
