import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, Policy } from '../../policy/policy.js';
import type { PrecisionChoice } from '../../policy/precision.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Precision } from '../../spec/precision.js';
import { type SyntheticSize, syntheticPolicy, syntheticPredictor } from '../../synthetic/checkpoint.js';
import { Progress } from '../../terminal/progress.js';
import { type LatencySummary, summarizeLatencies } from '../latency.js';
import { withPolicy } from '../load.js';
import { type ColdStart, clockedSource, splitColdStart } from './cold-start.js';
import { DeviceClock } from './device-clock.js';
import { type HostPath, measureHostPath } from './host-path.js';
import { frames } from './observations.js';
import { TimerGap } from './timer-gap.js';

/** U-Net evaluations of a warm decision. */
const BUDGET = 2;
const RATE_HZ = 10;
/** Decisions before any is counted: caches fill and the JavaScript engine compiles. */
const UNCOUNTED = 5;
const COLD_DECISIONS = 3;
/** Without a number asked for, a phase ends after this time, once it has a median: slow adapters need a minute for ten. */
const DEFAULT_DECISIONS = 100;
const PHASE_MS = 20_000;
const LEAST_DECISIONS = 5;
/** Decisions followed through the host, twice. */
const HOST_DECISIONS = 20;

export interface BenchOptions {
  readonly size: SyntheticSize;
  /** Decisions per measurement; undefined: as many as fit into a phase, at most 100. */
  readonly decisions: number | undefined;
  readonly precision: PrecisionChoice;
  readonly signal: AbortSignal;
}

export interface BenchMeasurement {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  readonly parameters: number;
  readonly evaluationsPerDecision: number;
  readonly dispatchesPerDecision: number | null;
  /** From the call of decide() to the actions in JavaScript. */
  readonly latencyMs: {
    readonly backToBack: LatencySummary;
    /** One decision every 100 ms, as a robot asks for them: clocks and caches cool down in between. */
    readonly paced: LatencySummary;
    readonly cold: LatencySummary;
  };
  readonly coldEvaluations: number;
  readonly coldStart: ColdStart;
  readonly hostPath: HostPath;
  /** The longest gap of a timer of 1 ms, while the policy was loaded and while it decided. */
  readonly timerGapMs: { readonly loading: number; readonly deciding: number };
  readonly memory: {
    /** Size of the model files. */
    readonly modelBytes: number;
    readonly deviceBytes: number;
    /** Of the process, before loading and at its peak. Software adapters keep the device's memory here too. */
    readonly residentBefore: number;
    readonly residentPeak: number;
    readonly peakPerModelByte: number;
  };
}

/** Loads a synthetic policy on an open device and measures its decisions. */
export async function measureSynthetic(device: ComputeDevice, options: BenchOptions): Promise<BenchMeasurement> {
  const { size, precision, signal } = options;
  const source = syntheticPolicy(size);
  const predictor = syntheticPredictor();
  const modelBytes = (await source.open('model.safetensors')).size + (await predictor.open('model.safetensors')).size;
  const residentBefore = process.memoryUsage.rss();
  const reads: { begin: number; end: number }[] = [];
  const clock = new DeviceClock(device.gpuDevice);
  const started = performance.now();
  const loading = {
    device,
    networks: { predictor: clockedSource(predictor, reads) },
    precision,
    signal,
    strategy: { name: 'STEP', budget: BUDGET },
  } as const;
  const loadingGap = new TimerGap();
  return withPolicy(clockedSource(source, reads), loading, async (policy) => {
    const ready = performance.now();
    const loadingGapMs = loadingGap.stop();
    await policy.act(frames(0, 1));
    const firstAction = performance.now();
    const coldStart = splitColdStart(clock, reads, { started, ready, firstAction }, device.pipelines.size);
    clock.stop();
    const cold = await coldDecisions(policy, signal);
    const latencyMs = { ...(await warmDecisions(policy, options)), cold: summary(cold.map((decision) => decision.latencyMs)) };
    const hostDecisions = Math.max(3, Math.min(HOST_DECISIONS, Math.floor(PHASE_MS / 4 / latencyMs.backToBack.p50)));
    const hostPath = await measureHostPath(device, policy, hostDecisions, signal);
    const deciding = await decidingGap(policy, hostDecisions, signal);
    const residentPeak = process.resourceUsage().maxRSS * 1024;
    const { parameters, precision: taken, dispatches, deviceBytes } = policy.info;
    return {
      size,
      precision: taken,
      parameters,
      evaluationsPerDecision: BUDGET,
      dispatchesPerDecision: dispatches ?? null,
      latencyMs,
      coldEvaluations: cold[0]?.timesteps.length ?? 0,
      coldStart,
      hostPath,
      timerGapMs: { loading: loadingGapMs, deciding },
      memory: { modelBytes, deviceBytes, residentBefore, residentPeak, peakPerModelByte: residentPeak / modelBytes },
    };
  }).finally(() => loadingGap.stop());
}

/** In decisions of their own: a timer that ticks would be in the latencies. */
async function decidingGap(policy: Policy, decisions: number, signal: AbortSignal): Promise<number> {
  const gap = new TimerGap();
  try {
    for (let i = 0; i < decisions; i++) {
      signal.throwIfAborted();
      await policy.decide(frames(i, policy.info.observationSteps));
    }
  } finally {
    gap.stop();
  }
  return gap.stop();
}

async function coldDecisions(policy: Policy, signal: AbortSignal): Promise<Decision[]> {
  const progress = new Progress();
  const results: Decision[] = [];
  const end = performance.now() + PHASE_MS;
  for (let i = 0; i < COLD_DECISIONS && (i === 0 || performance.now() < end); i++) {
    signal.throwIfAborted();
    progress.update(`cold: decision ${i + 1} of ${COLD_DECISIONS}`);
    policy.reset();
    results.push(await policy.decide(frames(i, policy.info.observationSteps)));
  }
  progress.done();
  return results;
}

/** Continues the running episode, so that every decision is warm. */
async function warmDecisions(
  policy: Policy,
  { decisions, signal }: BenchOptions,
): Promise<{ backToBack: LatencySummary; paced: LatencySummary }> {
  const progress = new Progress();
  const measure = async (phase: string, count: number, intervalMs: number, endMs = Infinity): Promise<number[]> => {
    const latencies: number[] = [];
    let due = performance.now();
    const end = due + endMs;
    for (let i = 0; i < count && (i < LEAST_DECISIONS || performance.now() < end); i++) {
      signal.throwIfAborted();
      await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => signal.throwIfAborted());
      // A decision that takes longer than the interval delays the next one; it does not make it hurry.
      due = Math.max(due, performance.now()) + intervalMs;
      latencies.push((await policy.decide(frames(i, policy.info.observationSteps))).latencyMs);
      progress.update(`${phase}: decision ${i + 1} of ${count}`);
    }
    return latencies;
  };
  await measure('warming up', UNCOUNTED, 0);
  const count = decisions ?? DEFAULT_DECISIONS;
  const endMs = decisions === undefined ? PHASE_MS : Infinity;
  const backToBack = summary(await measure('back to back', count, 0, endMs));
  const paced = summary(await measure(`paced at ${RATE_HZ} Hz`, count, 1000 / RATE_HZ, endMs));
  progress.done();
  return { backToBack, paced };
}

function summary(latencies: readonly number[]): LatencySummary {
  const found = summarizeLatencies(latencies);
  if (!found) throw new TypeError('a measurement needs at least one decision');
  return found;
}
