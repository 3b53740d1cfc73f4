import { describeSamples, rounded, type Statistics } from '../kernels/statistics.js';
import { type EngineDetails, type EngineSpec, engineName, isExact } from './engine.js';
import type { Workload } from './networks.js';
import { RemoteEngine } from './remote.js';
import { ratiosTo, relativeError, runsPerTurn, turnsOfRound } from './rounds.js';

/** Largest error of an engine that computes with unrounded weights, relative to the largest value. */
export const TOLERANCE = 1e-3;
/** Runs of every workload before any is counted: pipelines are compiled, pages of the weights touched. */
const UNCOUNTED = 2;
const MOST_RUNS = 50;

/** Of the workloads of the network that was measured. */
export type ByWorkload<T> = Readonly<Partial<Record<Workload, T>>>;

/** Times of one workload on one engine. */
export interface WorkloadRecord extends Statistics {
  /** Milliseconds of every run, turn by turn. */
  readonly turnsMs: readonly (readonly number[])[];
  /** Of the runs before the first that counts. */
  readonly uncountedMs: readonly number[];
  /** Against the reference engine, the worst of all turns; 0 for the reference itself. */
  readonly error: number;
}

/** What became of one engine. */
export type PeerRecord =
  | {
      readonly name: string;
      readonly available: true;
      readonly details: EngineDetails;
      readonly openMs: number;
      readonly workloads: ByWorkload<WorkloadRecord>;
      /** False where `error` is above the tolerance; engines that round the weights always agree unless it is no number. */
      readonly agrees: boolean;
    }
  | { readonly name: string; readonly available: false; readonly reason: string };

export interface ContestRecord {
  readonly rounds: number;
  readonly tolerance: number;
  /** The engine that the others' results are compared with. */
  readonly reference: string;
  readonly peers: readonly PeerRecord[];
  /** For each of our own variants: how many times longer each other engine takes. */
  readonly ratios: Readonly<Record<string, ByWorkload<Readonly<Record<string, number>>>>>;
  /** Results of the reference engine, by workload. */
  readonly outputs: ByWorkload<readonly number[]>;
}

export interface ContestOptions {
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  /** Time of one workload in one turn, where a run takes less. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** Whether a run ends well: nobody computed something else, and none of our own variants is missing. */
export function hasPassed({ peers }: ContestRecord): boolean {
  return peers.every((peer) => (peer.available ? peer.agrees : !peer.name.startsWith('warmstep')));
}

interface Contestant {
  readonly spec: EngineSpec;
  readonly name: string;
  readonly engine: RemoteEngine;
  readonly uncounted: ReadonlyMap<Workload, readonly number[]>;
  readonly turns: Map<Workload, (readonly number[])[]>;
  readonly outputs: Map<Workload, Float32Array[]>;
}

/** Opens all engines, one after the other, runs the rounds, and closes them. An engine that fails is reported as such. */
export async function runContest(specs: readonly EngineSpec[], options: ContestOptions): Promise<ContestRecord> {
  const contestants: Contestant[] = [];
  const missing = new Map<string, string>();
  try {
    for (const spec of specs) {
      options.signal.throwIfAborted();
      const name = engineName(spec);
      options.onProgress(`${name}: loading, first runs`);
      try {
        contestants.push(await openContestant(spec, name, options.workloads));
      } catch (error) {
        missing.set(name, reasonOf(error));
      }
    }
    for (const [name, reason] of await runRounds(contestants, options)) missing.set(name, reason);
    const finished = contestants.filter(({ name }) => !missing.has(name));
    const reference = finished.find(({ spec }) => isExact(spec)) ?? finished[0];
    if (!reference) throw new Error(`no engine could be run: ${[...missing].map((entry) => entry.join(': ')).join('; ')}`);
    return summarize(specs, finished, missing, reference, options);
  } finally {
    for (const { engine } of contestants) await engine.close();
  }
}

async function openContestant(spec: EngineSpec, name: string, workloads: readonly Workload[]): Promise<Contestant> {
  const engine = await RemoteEngine.open(spec);
  try {
    const uncounted = new Map<Workload, readonly number[]>();
    for (const workload of workloads) uncounted.set(workload, (await engine.run(workload, UNCOUNTED)).samples);
    const empty = <T>(): Map<Workload, T[]> => new Map(workloads.map((workload) => [workload, []]));
    return { spec, name, engine, uncounted, turns: empty(), outputs: empty() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Returns the engines that failed on the way, with the reason; the others go on. */
async function runRounds(
  contestants: readonly Contestant[],
  { workloads, rounds, seconds, signal, onProgress }: ContestOptions,
): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, engine, uncounted, turns, outputs } of turnsOfRound(contestants)) {
      if (failed.has(name)) continue;
      onProgress(`round ${round + 1} of ${rounds}: ${name}`);
      for (const workload of workloads) {
        signal.throwIfAborted();
        const runs = runsPerTurn(seconds, uncounted.get(workload)?.at(-1) ?? Infinity, MOST_RUNS);
        try {
          const { samples, output } = await engine.run(workload, runs);
          turns.get(workload)?.push(rounded(samples));
          outputs.get(workload)?.push(output);
        } catch (error) {
          failed.set(name, `failed in round ${round + 1}: ${reasonOf(error)}`);
          break;
        }
      }
    }
  }
  return failed;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function summarize(
  specs: readonly EngineSpec[],
  contestants: readonly Contestant[],
  missing: ReadonlyMap<string, string>,
  reference: Contestant,
  { rounds, workloads: all }: ContestOptions,
): ContestRecord {
  const byWorkload = <T>(make: (workload: Workload) => T): ByWorkload<T> =>
    Object.fromEntries(all.map((workload) => [workload, make(workload)]));
  const peers = specs.map((spec): PeerRecord => {
    const name = engineName(spec);
    const contestant = contestants.find((other) => other.name === name);
    if (!contestant) return { name, available: false, reason: missing.get(name) ?? 'unknown' };
    const workloads = byWorkload((workload) => summarizeWorkload(contestant, reference, workload));
    const worst = Math.max(...Object.values(workloads).map(({ error }) => error));
    const agrees = isExact(spec) ? worst <= TOLERANCE : Number.isFinite(worst);
    return { name, available: true, details: contestant.engine.details, openMs: contestant.engine.openMs, workloads, agrees };
  });
  const present = peers.filter((peer) => peer.available);
  const medians = new Map(
    all.map((workload) => [workload, new Map(present.map(({ name, workloads }) => [name, workloads[workload]?.p50 ?? Number.NaN]))]),
  );
  const own = contestants.filter(({ spec }) => spec.engine === 'warmstep').map(({ name }) => name);
  return {
    rounds,
    tolerance: TOLERANCE,
    reference: reference.name,
    peers,
    ratios: Object.fromEntries(
      own.map((name) => [name, byWorkload((workload) => Object.fromEntries(ratiosTo(name, medians.get(workload) ?? new Map())))]),
    ),
    outputs: byWorkload((workload) => [...(reference.outputs.get(workload)?.[0] ?? [])]),
  };
}

function summarizeWorkload(contestant: Contestant, reference: Contestant, workload: Workload): WorkloadRecord {
  const turnsMs = contestant.turns.get(workload) ?? [];
  const wanted = reference.outputs.get(workload)?.[0] ?? new Float32Array();
  const errors = (contestant.outputs.get(workload) ?? []).map((output) => relativeError(output, wanted));
  return {
    ...describeSamples(turnsMs.flat()),
    error: Math.max(...errors),
    uncountedMs: rounded(contestant.uncounted.get(workload) ?? []),
    turnsMs,
  };
}
