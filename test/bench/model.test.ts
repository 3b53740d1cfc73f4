import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SuiteRecord } from '../../bench/kernels/record.js';
import { assumptionsOf, GPUS, type Gpu } from '../../bench/model/gpus.js';
import { predictDecision, predictDispatch } from '../../bench/model/predict.js';
import { predictionReport } from '../../bench/model/report.js';
import { type DispatchWork, workOfKernel } from '../../bench/model/work.js';
import { conv1dKernel } from '../../kernels/conv/conv1d.wgsl.js';
import { startKernel } from '../../kernels/sampling/start.wgsl.js';

const { h200, rtx2050 } = GPUS;

/** A convolution of the middle of the large network: 42 MB of f16 weights over 4 columns. */
const WORK: DispatchWork = {
  id: 'a layer',
  kernel: 'a kernel',
  perDecision: 2,
  workgroups: 512,
  invocations: 256,
  sharedBytes: 16_384,
  registers: 64,
  bytes: 42e6,
  macs: 84e6,
  loadedBytes: 42e6,
  weightShare: 1,
  bytesInFlight: 80,
  barriers: 10,
  dependentLoads: 4,
};

describe('the time of a dispatch', () => {
  it('is that of its bytes where they bind', () => {
    const found = predictDispatch(WORK, rtx2050);
    // 512 workgroups, 4 on each of 16 units: 8 full rounds.
    expect(found.bytesUs).toBeCloseTo(42e6 / (0.85 * 112) / 1e3, 6);
    expect(found.binding).toBe('bytes');
    expect(found.totalUs).toBeCloseTo(2.5 + (600 + 3 * 250 + 10 * 25) / 1e3 + found.bytesUs, 6);
  });

  it('is that of its launch where there is little to do', () => {
    const found = predictDispatch(
      { ...WORK, workgroups: 1, bytes: 1000, loadedBytes: 1000, macs: 1000, barriers: 0, dependentLoads: 1 },
      h200,
    );
    expect(found.binding).toBe('launch');
    expect(found.busyUnits).toBe(1);
  });

  it('grows where too few workgroups draw the bytes', () => {
    const time = (workgroups: number): number => predictDispatch({ ...WORK, workgroups }, h200).bytesUs;
    expect(time(16)).toBeGreaterThan(3 * time(128));
    // Little's law: 16 workgroups have 16 · 256 · 80 bytes under way, for 600 ns.
    expect(time(16)).toBeCloseTo(42e6 / ((16 * 256 * 80) / 600) / 1e3, 6);
  });

  it('grows with a last round that is nearly empty', () => {
    const perRound = rtx2050.units * 4;
    const [full, more] = [perRound, perRound + 1].map((workgroups) => predictDispatch({ ...WORK, workgroups }, rtx2050).bytesUs);
    expect((more as number) / (full as number)).toBeCloseTo((2 * perRound) / (perRound + 1), 6);
  });

  it('takes loads of what was just written from a cache, which is quicker', () => {
    const few = { ...WORK, workgroups: 8 };
    expect(predictDispatch({ ...few, weightShare: 0 }, h200).bytesUs).toBeLessThan(predictDispatch(few, h200).bytesUs);
  });

  it('has fewer workgroups on a unit where registers or workgroup memory run out', () => {
    const occupancy = (work: Partial<DispatchWork>): number => predictDispatch({ ...WORK, workgroups: 4096, ...work }, h200).occupancy;
    expect(occupancy({})).toBe(0.5);
    expect(occupancy({ registers: 32 })).toBe(1);
    expect(occupancy({ sharedBytes: 100_000 })).toBe(0.25);
  });
});

describe('a decision', () => {
  it('is the sum of its dispatches, as often as they come, and says that it was not measured', () => {
    const found = predictDecision([WORK, { ...WORK, id: 'another', perDecision: 1 }], h200);
    const { totalUs } = predictDispatch(WORK, h200);
    expect(found.count).toBe(3);
    expect(found.totalUs).toBeCloseTo(3 * totalUs, 6);
    expect(found.floorUs).toBeCloseTo((3 * 42e6) / 4800 / 1e3, 6);
    expect(predictionReport('large', found)).toMatch(/^PREDICTED.*NOT MEASURED/);
  });
});

describe('what a kernel asks for', () => {
  it('is read from its text', () => {
    const kernel = conv1dKernel({
      geometry: { kernelSize: 5, stride: 1, padding: 2, transposed: false, inLength: 16, outLength: 16 },
      tiling: { columns: 16, lanes: 8, slices: 32 },
      storage: 'f16',
      ragged: false,
      bias: true,
      residual: false,
      inActivation: 'none',
      outActivation: 'none',
    });
    // 5 chunks hold two channels of five taps; sums of slices fill 1,024 vec4s.
    expect(workOfKernel(kernel)).toMatchObject({ invocations: 256, sharedBytes: 16_384, bytesInFlight: 5 * 16, registers: 112 });
    expect(workOfKernel(kernel).barriers).toBeGreaterThan(2);
    expect(workOfKernel(startKernel(32, 64))).toMatchObject({ invocations: 64, sharedBytes: 0, barriers: 0, dependentLoads: 2 });
  });
});

describe('where dispatches were measured, on lavapipe', () => {
  const record = JSON.parse(
    readFileSync(new URL('../../bench/results/2026-11-22-lavapipe-suite.json', import.meta.url), 'utf8'),
  ) as SuiteRecord;
  const launchMs = record.overheads.find(({ name }) => name === 'dependent dispatch')?.each.p50 as number;
  /** Two cores as one unit: what was measured of streams, dispatches and the best matrix product stands for what is published. */
  const lavapipe: Gpu = {
    title: 'lavapipe',
    gigabytesPerSecond: Math.max(...record.stream.map(({ gigabytesPerSecond }) => gigabytesPerSecond)),
    teraflops: 0.013,
    units: 1,
    invocations: 8,
    sharedBytes: 32_768,
    registers: 1e9,
    clockGigahertz: 1,
    assumed: { launchUs: 1000 * launchMs, memoryNs: 0, cacheNs: 0, barrierNs: 0, streamed: 1, computed: 1, unitBytes: 1e9 },
  };
  const [precision] = record.precisions;
  const cases = precision?.cases ?? [];
  const predicted = cases.map(({ bytes, macs }) => {
    const work = { ...WORK, bytes, macs, loadedBytes: bytes, workgroups: 1, invocations: 8, bytesInFlight: 1e9 };
    return predictDispatch({ ...work, barriers: 0, dependentLoads: 1 }, lavapipe).totalUs / 1000;
  });
  const total = (of: (index: number) => number): number => cases.reduce((sum, { perDecision }, index) => sum + perDecision * of(index), 0);
  const measured = (index: number): number => cases[index]?.dispatch.p50 ?? 0;

  it('the decision is predicted within a third, and no faster than its bytes', () => {
    expect(assumptionsOf(lavapipe).streamed).toBe(1);
    const ratio = total((index) => predicted[index] ?? 0) / total(measured);
    expect(ratio).toBeGreaterThan(2 / 3);
    expect(ratio).toBeLessThan(4 / 3);
  });

  it('its dispatches have the shares that were measured, within a tenth of the decision altogether', () => {
    const [all, allPredicted] = [total(measured), total((index) => predicted[index] ?? 0)];
    const apart = total((index) => Math.abs(measured(index) / all - (predicted[index] ?? 0) / allPredicted)) / 2;
    expect(apart).toBeLessThan(0.1);
  });
});
