import type { DenoiseRun, Denoising, FinishedRun } from '../decision/denoiser.js';
import { choiceNoise, choiceNumbers, type GivenNoise, type LatentShape, latentOf, type NoiseSeed, runNoise } from '../decision/noise.js';
import type { PendingFeatures } from '../decision/pending-features.js';
import { NonFiniteError, OptionError } from '../foundation/errors.js';
import type { Deciding, DecisionContext, DecisionMaker, DecisionOutcome, DenoiseRequest, PastChunk } from '../strategies/strategy.js';

const NO_PROBES: MadeDecision['probes'] = new Map();

/** One decision that is to be made. */
export interface PendingDecision {
  readonly maker: DecisionMaker;
  readonly newest: PastChunk | undefined;
  readonly before: PastChunk | undefined;
  /** Raw observations, images as their features, f32 [observationSteps][frameWidth], oldest frame first. */
  readonly frames: Float32Array;
  /** What the start reads of them in place of the conditioning. */
  readonly rows?: Float32Array | undefined;
  readonly seed: NoiseSeed;
  readonly given: GivenNoise;
}

/** One decision that was made. */
export interface MadeDecision {
  readonly outcome: DecisionOutcome;
  /** Network evaluations, the outcome's screening included. */
  readonly evaluations: number;
  /** Inner values of the batch that the outcome's run was part of; those of earlier runs as `run.K.NAME`, of the first run of round K. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** One decision that was not made. */
export interface FailedDecision {
  readonly failure: unknown;
}

/** Where a decision stands: what it asks for now, or what came of it. */
interface Progress {
  readonly pending: PendingDecision;
  readonly deciding: Deciding;
  requests: readonly DenoiseRequest[];
  /** What `requests` ask of the denoiser. */
  runs: readonly DenoiseRun[];
  outcome: DecisionOutcome | undefined;
  evaluations: number;
  probes: ReadonlyMap<string, Float32Array>;
  /** Of the runs before, by round. */
  readonly earlier: ReadonlyMap<string, Float32Array>[];
}

/**
 * Makes one decision, as `decideEach` does: a control loop waits for it, so there are no lists of one on the way, and no promises
 * but that of its result, which is what `use` makes of the decision. `features`: those that its frames still wait for.
 * @throws what its strategy throws at once, OptionError for noise that does not suit it, DeviceLostError; at once or as a rejection.
 */
export function decideOne<T>(
  denoiser: Denoising,
  pending: PendingDecision,
  chunkSize: number,
  use: (made: MadeDecision | FailedDecision) => T,
  features?: PendingFeatures,
): Promise<T> {
  const progress = begin(pending, chunkSize, denoiser.latents);
  const next = (finished: readonly (FinishedRun | NonFiniteError)[]): T | Promise<T> => {
    try {
      advance(progress, finished, chunkSize, denoiser.latents);
    } catch (error) {
      return use({ failure: error });
    }
    return progress.outcome ? use(made(progress)) : denoiser.runThen(progress.runs, next);
  };
  return denoiser.runThen(progress.runs, next, features);
}

/**
 * Makes many decisions side by side: in every round, what all of them ask for runs together, whatever their strategies.
 * Nothing of an episode changes before its own decision is complete. Each is made, or is the reason why it was not: a network
 * that is not finite, or noise that does not suit it, fails one decision and no other. `features`: those that frames still wait for.
 * @throws DeviceLostError, NonFiniteError for features: then none of them is made.
 */
export async function decideEach(
  denoiser: Denoising,
  pending: readonly PendingDecision[],
  chunkSize: number,
  features?: PendingFeatures,
): Promise<(MadeDecision | FailedDecision)[]> {
  const failures = new Map<number, FailedDecision>();
  const attempt = <T>(place: number, step: () => T): T | undefined => {
    try {
      return step();
    } catch (error) {
      failures.set(place, { failure: error });
      return undefined;
    }
  };
  const all = pending.map((one, place) => attempt(place, () => begin(one, chunkSize, denoiser.latents)));
  let waiting = features;
  for (;;) {
    const asking = all.flatMap((progress, place) => (progress && !progress.outcome && !failures.has(place) ? [{ progress, place }] : []));
    if (asking.length === 0) break;
    const runs = asking.flatMap(({ progress }) => progress.runs);
    const finished = await denoiser.run(runs, waiting);
    waiting = undefined;
    let next = 0;
    for (const { progress, place } of asking) {
      const results = finished.slice(next, (next += progress.runs.length));
      attempt(place, () => advance(progress, results, chunkSize, denoiser.latents));
    }
  }
  return all.map((progress, place) => failures.get(place) ?? made(progress as Progress));
}

function made({ outcome, evaluations, probes }: Progress): MadeDecision {
  return { outcome: outcome as DecisionOutcome, evaluations, probes };
}

/** The runs that decisions ask for first. */
export function firstRuns(pending: readonly PendingDecision[], chunkSize: number, latents?: LatentShape): DenoiseRun[] {
  return pending.flatMap((one) => begin(one, chunkSize, latents).runs);
}

/** What a strategy sees of a decision. */
class PendingContext implements DecisionContext {
  readonly #pending: PendingDecision;

  constructor(pending: PendingDecision) {
    this.#pending = pending;
  }

  get newest(): PastChunk | undefined {
    return this.#pending.newest;
  }

  get before(): PastChunk | undefined {
    return this.#pending.before;
  }

  get frames(): Float32Array {
    return this.#pending.frames;
  }

  uniform(count: number): Float64Array {
    return choiceNumbers(count, this.#pending.seed);
  }

  normal(count: number): Float32Array {
    const { seed, given } = this.#pending;
    const { normals } = given;
    if (!normals) return choiceNoise(count, seed);
    if (normals.length < count) {
      throw new OptionError(
        `normals must have ${count} values or more, which the strategy draws for this decision, found ${normals.length}.`,
      );
    }
    return Float32Array.from(normals).subarray(0, count);
  }
}

function begin(pending: PendingDecision, chunkSize: number, latents: LatentShape | undefined): Progress {
  const deciding = pending.maker.decide(new PendingContext(pending));
  const first = deciding.next();
  if (first.done) throw new TypeError('a strategy decided without a run of the denoiser');
  const requests = first.value;
  const runs = runsOf(pending, requests, chunkSize, latents);
  return { pending, deciding, requests, runs, outcome: undefined, evaluations: 0, probes: NO_PROBES, earlier: [] };
}

function runsOf(
  { frames, rows, newest, seed, given }: PendingDecision,
  requests: readonly DenoiseRequest[],
  chunkSize: number,
  latents: LatentShape | undefined,
): DenoiseRun[] {
  // No push: the first one makes room for 17.
  return requests.map((request) => {
    // A start that is given as it is takes no noise: Falcon screens dozens of them per decision.
    const own = request.noiseScale === 0 ? request.prediction : undefined;
    // A sample that a strategy brings is as long as its chunks are.
    const size = own?.length ?? chunkSize;
    const { noise, stepNoise } = runNoise(request.schedule, size, seed, own ? { ...given, noise: own } : given, request.firstNoiseRow);
    const latent = latents && latentOf(latents, seed, given);
    return { request, frames: request.frames ?? frames, rows, latent, history: newest?.normalizedChunk, noise, stepNoise };
  });
}

/** @throws what its runs failed with, and what its strategy throws. */
function advance(
  progress: Progress,
  finished: readonly (FinishedRun | NonFiniteError)[],
  chunkSize: number,
  latents: LatentShape | undefined,
): void {
  for (const one of finished) if (one instanceof NonFiniteError) throw one;
  const results = finished as readonly FinishedRun[];
  for (const { schedule } of progress.requests) progress.evaluations += schedule.steps.length;
  const { requests } = progress;
  const next = progress.deciding.next(results);
  if (next.done) {
    progress.outcome = next.value;
    progress.probes = withEarlier(progress.earlier, results[requests.indexOf(next.value.request)]?.probes ?? NO_PROBES);
  } else {
    progress.earlier.push(results[0]?.probes ?? NO_PROBES);
    progress.requests = next.value;
    progress.runs = runsOf(progress.pending, next.value, chunkSize, latents);
  }
}

/** Inner values of the last run, and of the runs before it as `run.K.NAME`. */
function withEarlier(earlier: Progress['earlier'], last: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, Float32Array> {
  if (last.size === 0 || earlier.length === 0) return last;
  const before = earlier.flatMap((probes, round) => [...probes].map(([name, values]) => [`run.${round}.${name}`, values] as const));
  return new Map([...before, ...last]);
}
