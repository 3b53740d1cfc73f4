import type { LoadPolicyOptions } from '../../policy/load-policy.js';
import type { Decision, Policy } from '../../policy/policy.js';
import type { PrecisionChoice } from '../../policy/precision.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { type SyntheticSize, syntheticPolicy, syntheticPredictor } from '../../synthetic/checkpoint.js';
import { Progress } from '../../terminal/progress.js';
import { summarizeLatencies } from '../latency.js';
import { withPolicy } from '../load.js';
import { frames } from './observations.js';

const BUDGET = 2;
/** A point ends after this time. One whose first decision would take longer is left out. */
const POINT_MS = 10_000;
const MOST_DECISIONS = 50;

export interface CurveOptions {
  readonly size: SyntheticSize;
  readonly precision: PrecisionChoice;
  readonly batches: readonly number[];
  /** Multiples of 8, from 16: below, the 8 executed rows do not fit. */
  readonly horizons: readonly number[];
  /** The most decisions of a point. Default: what fits into its time, at most 50. */
  readonly decisions?: number | undefined;
  readonly signal: AbortSignal;
}

/** Warm decisions of one batch size and horizon. */
export interface CurvePoint {
  readonly horizon: number;
  readonly batch: number;
  /** 0 where the point was left out, for want of time. */
  readonly decisions: number;
  /** Median of a decision, and its share of a sample. */
  readonly p50Ms: number | null;
  readonly perSampleMs: number | null;
  /** U-Net evaluations of one sample, per second. */
  readonly evaluationsPerSecond: number | null;
}

/** Measures warm decisions for every pair of batch and horizon, small batches first. */
export async function measureCurves(device: ComputeDevice, options: CurveOptions): Promise<CurvePoint[]> {
  const { size, precision, horizons, decisions = MOST_DECISIONS, signal } = options;
  const most = Math.min(decisions, MOST_DECISIONS);
  const batches = [...options.batches].sort((a, b) => a - b);
  const points: CurvePoint[] = [];
  for (const horizon of horizons) {
    const networks = { predictor: syntheticPredictor(horizon) };
    const loading = {
      device,
      networks,
      precision,
      signal,
      strategy: { name: 'STEP', budget: BUDGET },
    } as const satisfies LoadPolicyOptions;
    points.push(
      ...(await withPolicy(syntheticPolicy(size, horizon), loading, async (policy) => {
        const measured: CurvePoint[] = [];
        for (const batch of batches) measured.push(await measurePoint(policy, batch, measured.at(-1)?.perSampleMs ?? 0, most, signal));
        return measured;
      })),
    );
  }
  return points;
}

/** `expectedMs`: what a sample took in the point before. A batch may be faster per sample, hardly slower. */
async function measurePoint(
  policy: Policy,
  batch: number,
  expectedMs: number | null,
  most: number,
  signal: AbortSignal,
): Promise<CurvePoint> {
  const { horizon, actionDim, observationSteps } = policy.info;
  if (expectedMs === null || expectedMs * batch > POINT_MS) {
    return { horizon, batch, decisions: 0, p50Ms: null, perSampleMs: null, evaluationsPerSecond: null };
  }
  const progress = new Progress();
  progress.update(`horizon ${horizon}, batch ${batch}: compiling`);
  await policy.warmup(batch, signal);
  // A past of zeros: a cold decision first would cost many evaluations, and would say nothing here.
  const zeros = new Float32Array(horizon * actionDim);
  const previous = [{ normalizedChunk: zeros, chunk: zeros }];
  const latencies: number[] = [];
  const end = performance.now() + POINT_MS;
  for (let i = 0; i < most && (i === 0 || performance.now() < end); i++) {
    signal.throwIfAborted();
    const requests = Array.from({ length: batch }, (_, b) => ({ window: frames(i * batch + b, observationSteps), previous, seed: i }));
    const [decision] = (await policy.decideAll(requests)) as [Decision];
    latencies.push(decision.latencyMs);
    progress.update(`horizon ${horizon}, batch ${batch}: decision ${i + 1}`);
  }
  progress.done();
  const p50 = summarizeLatencies(latencies)?.p50 ?? 0;
  return {
    horizon,
    batch,
    decisions: latencies.length,
    p50Ms: p50,
    perSampleMs: p50 / batch,
    evaluationsPerSecond: (1000 * BUDGET * batch) / p50,
  };
}
