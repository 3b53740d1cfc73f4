import { assumptionsOf, type Gpu } from './gpus.js';
import type { DispatchWork } from './work.js';

/** What takes most of a dispatch: its launch, waiting for single loads, bytes, or arithmetic. */
export type Binding = 'launch' | 'latency' | 'bytes' | 'arithmetic';

/** Microseconds that a dispatch is predicted to take. Not measured. */
export interface Prediction {
  readonly launchUs: number;
  /** Loads and barriers that come one after the other before and after the loop. */
  readonly latencyUs: number;
  /** Its bytes at what so many workgroups can draw, and its arithmetic: they overlap. */
  readonly bytesUs: number;
  readonly arithmeticUs: number;
  readonly totalUs: number;
  readonly binding: Binding;
  /** Invocations that a unit holds, as a share of what it could. */
  readonly occupancy: number;
  /** Units that have a workgroup. */
  readonly busyUnits: number;
}

/**
 * One dispatch that waits for the one before it:
 *
 *     launch + latency + max( bytes / share of the published bandwidth, loaded / drawn, operations / computed )
 *     drawn = min( busy units · what a unit loads, bytes in flight / latency )
 *
 * The last one is Little's law; the latency is that of memory for weights, and of the shared cache for activations. Workgroups beyond what fits at a time come in further rounds, the last of which may be nearly empty.
 */
export function predictDispatch(work: DispatchWork, gpu: Gpu): Prediction {
  const { launchUs, memoryNs, cacheNs, barrierNs, streamed, computed, unitBytes } = assumptionsOf(gpu);
  const { workgroups, invocations, sharedBytes, registers, bytes, macs } = work;
  const perUnit = Math.max(
    1,
    Math.floor(
      Math.min(
        gpu.invocations / invocations,
        sharedBytes === 0 ? Infinity : gpu.sharedBytes / sharedBytes,
        gpu.registers / (registers * invocations),
      ),
    ),
  );
  const busyUnits = Math.min(workgroups, gpu.units);
  const resident = Math.min(workgroups, gpu.units * perUnit);
  const rounds = workgroups / (gpu.units * perUnit);
  const filled = rounds <= 1 ? 1 : rounds / Math.ceil(rounds);
  // Bytes per nanosecond are GB/s.
  const loadNs = work.weightShare * memoryNs + (1 - work.weightShare) * cacheNs;
  const drawn = Math.min(busyUnits * unitBytes * gpu.clockGigahertz, (resident * invocations * work.bytesInFlight) / loadNs);
  const bytesUs = Math.max(bytes / (streamed * gpu.gigabytesPerSecond), work.loadedBytes / drawn) / filled / 1e3;
  const operationsPerUs = filled * computed * gpu.teraflops * 1e6 * (busyUnits / gpu.units);
  const arithmeticUs = (2 * macs) / operationsPerUs;
  const latencyUs = (memoryNs + (work.dependentLoads - 1) * cacheNs + work.barriers * barrierNs) / 1e3;
  const parts: readonly (readonly [Binding, number])[] = [
    ['launch', launchUs],
    ['latency', latencyUs],
    ['bytes', bytesUs],
    ['arithmetic', arithmeticUs],
  ];
  return {
    launchUs,
    latencyUs,
    bytesUs,
    arithmeticUs,
    totalUs: launchUs + latencyUs + Math.max(bytesUs, arithmeticUs),
    binding: parts.reduce((most, part) => (part[1] > most[1] ? part : most))[0],
    occupancy: Math.min(1, (Math.min(perUnit, workgroups / busyUnits) * invocations) / gpu.invocations),
    busyUnits,
  };
}

/** A decision, dispatch after dispatch. */
export interface DecisionPrediction {
  readonly gpu: Gpu;
  readonly dispatches: readonly { readonly work: DispatchWork; readonly prediction: Prediction }[];
  readonly count: number;
  readonly totalUs: number;
  /** Of that, launches alone. */
  readonly launchUs: number;
  /** All its bytes at the published bandwidth. */
  readonly floorUs: number;
}

/** Every dispatch waits for the one before: an upper bound where two of them need nothing of each other. */
export function predictDecision(works: readonly DispatchWork[], gpu: Gpu): DecisionPrediction {
  const dispatches = works.map((work) => ({ work, prediction: predictDispatch(work, gpu) }));
  const sum = (value: (one: (typeof dispatches)[number]) => number): number =>
    dispatches.reduce((total, one) => total + one.work.perDecision * value(one), 0);
  return {
    gpu,
    dispatches,
    count: sum(() => 1),
    totalUs: sum(({ prediction }) => prediction.totalUs),
    launchUs: sum(({ prediction }) => prediction.launchUs),
    floorUs: sum(({ work }) => work.bytes) / gpu.gigabytesPerSecond / 1e3,
  };
}
