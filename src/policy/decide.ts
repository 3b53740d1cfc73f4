import type { DenoiseRun, Denoiser, FinishedRun } from '../decision/denoiser.js';
import { choiceNoise, choiceNumbers, type GivenNoise, type NoiseSeed, runNoise } from '../decision/noise.js';
import type { Deciding, DecisionContext, DecisionMaker, DecisionOutcome, DenoiseRequest, PastChunk } from '../strategies/strategy.js';

/** One decision that is to be made. */
export interface PendingDecision {
  readonly maker: DecisionMaker;
  readonly newest: PastChunk | undefined;
  readonly before: PastChunk | undefined;
  /** Raw observations, images as their features, f32 [observationSteps][frameWidth], oldest frame first. */
  readonly frames: Float32Array;
  readonly seed: NoiseSeed;
  readonly given: GivenNoise;
}

/** One decision that was made. */
export interface MadeDecision {
  readonly outcome: DecisionOutcome;
  /** Network evaluations, the outcome's screening included. */
  readonly evaluations: number;
  /** Inner values of the batch that the outcome's run was part of. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** Where a decision stands: what it asks for now, or what came of it. */
interface Progress {
  readonly pending: PendingDecision;
  readonly deciding: Deciding;
  requests: readonly DenoiseRequest[];
  outcome: DecisionOutcome | undefined;
  evaluations: number;
  probes: ReadonlyMap<string, Float32Array>;
}

/**
 * Makes many decisions side by side: in every round, what all of them ask for runs together, whatever their strategies.
 * Nothing of an episode changes before its own decision is complete.
 * @throws NonFiniteError, DeviceLostError: then none of them is made.
 */
export async function decideAll(denoiser: Denoiser, pending: readonly PendingDecision[], chunkSize: number): Promise<MadeDecision[]> {
  const all = pending.map((one) => begin(one));
  for (;;) {
    const asking = all.filter(({ outcome }) => !outcome);
    if (asking.length === 0) break;
    const finished = await denoiser.run(asking.flatMap((progress) => runsOf(progress, chunkSize)));
    let next = 0;
    for (const progress of asking) advance(progress, finished.slice(next, (next += progress.requests.length)));
  }
  return all.map(({ outcome, evaluations, probes }) => ({ outcome: outcome as DecisionOutcome, evaluations, probes }));
}

/** The runs that decisions ask for first. */
export function firstRuns(pending: readonly PendingDecision[], chunkSize: number): DenoiseRun[] {
  return pending.flatMap((one) => runsOf(begin(one), chunkSize));
}

function begin(pending: PendingDecision): Progress {
  const { maker, newest, before, seed } = pending;
  const context: DecisionContext = {
    newest,
    before,
    uniform: (count) => choiceNumbers(count, seed),
    normal: (count) => choiceNoise(count, seed),
  };
  const deciding = maker.decide(context);
  const first = deciding.next();
  if (first.done) throw new TypeError('a strategy decided without a run of the denoiser');
  return { pending, deciding, requests: first.value, outcome: undefined, evaluations: 0, probes: new Map() };
}

function runsOf({ pending, requests }: Progress, chunkSize: number): DenoiseRun[] {
  const { frames, newest, seed, given } = pending;
  return requests.map((request) => {
    // A start that is given as it is takes no noise: Falcon screens dozens of them per decision.
    const own = request.noiseScale === 0 ? request.prediction : undefined;
    return {
      request,
      frames,
      history: newest?.normalizedChunk,
      ...runNoise(request.schedule, chunkSize, seed, own ? { ...given, noise: own } : given),
    };
  });
}

function advance(progress: Progress, results: readonly FinishedRun[]): void {
  for (const { schedule } of progress.requests) progress.evaluations += schedule.steps.length;
  const { requests } = progress;
  const next = progress.deciding.next(results);
  if (next.done) {
    progress.outcome = next.value;
    progress.probes = results[requests.indexOf(next.value.request)]?.probes ?? new Map();
  } else {
    progress.requests = next.value;
  }
}
