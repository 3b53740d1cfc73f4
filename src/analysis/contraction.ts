import { makeSchedule, type Schedule, type ScheduleName } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkNumber } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import type { Policy } from '../policy/policy.js';
import { followPath, type PathRatios } from './path.js';
import { displacement, SMALLEST_DISPLACEMENT, stepNoise } from './perturbation.js';
import { type RatioSpread, summarizeRatios } from './spread.js';

/** Where a run of the solver begins. */
export interface ContractionStart {
  /** Raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
  /** Normalised, f32 [horizon][actionDim], at the noise level of the schedule's first step. */
  readonly sample: Float32Array;
}

export interface ContractionOptions {
  /** DDPM or DDIM. */
  readonly schedule: Schedule;
  /** Root mean squares of the displacements, at least 1e-5. Default 1e-3 and 1e-1. */
  readonly deltas?: readonly number[];
  /** Random directions per start; every delta is tried in each. Default 16. */
  readonly directions?: number;
  /** Seed of directions and of the solver's noise. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Called after each step of each start. */
  readonly onStep?: (done: number, total: number) => void;
}

/** Ratios of one step for one size of displacement. */
export interface StepSpread {
  readonly delta: number;
  /** In random directions. */
  readonly fresh: RatioSpread;
  /**
   * Of displacements of the start, in the directions that the steps before have turned them to; those that have shrunk
   * below 1e-5 are left out. Null where that is all of them.
   */
  readonly carried: RatioSpread | null;
}

export interface ContractionStep {
  readonly timestep: number;
  /** In the order of the deltas. */
  readonly spreads: readonly StepSpread[];
}

/** What becomes of a displacement of the start over all steps. */
export interface EndToEnd {
  readonly delta: number;
  /** Of every step's mean ratio in random directions. */
  readonly productOfMeans: number;
  /** Of every step's largest ratio in random directions: eq. 18 with what was found in place of the constants c_k. */
  readonly productOfMaxima: number;
  /** ‖displaced chunk − chunk‖ / ‖δ‖, with the same noise in both runs. */
  readonly measured: RatioSpread;
  /** Smaller measured ratios are rounding. */
  readonly roundingFloor: number;
}

/** How much the steps of a solver contract; JSON-serialisable. */
export interface Contraction {
  readonly solver: ScheduleName;
  readonly starts: number;
  readonly directions: number;
  /** In the order of execution. */
  readonly steps: readonly ContractionStep[];
  /** In the order of the deltas. */
  readonly endToEnd: readonly EndToEnd[];
}

const DEFAULT_DELTAS = [1e-3, 1e-1];
const DEFAULT_DIRECTIONS = 16;
/** Error of the difference of two f32 results of about 1. */
const ROUNDING = 1e-7;

/**
 * Measures ‖μ_k(x+δ) − μ_k(x)‖ / ‖δ‖ (STEP, arXiv 2602.08245, eq. 16) for every step of a schedule. μ_k is the mean map
 * of the step: what the solver makes of x before it adds noise. The x are those that the solver passes through from each
 * start, its noise included. ‖·‖ is the root mean square over the chunk.
 *
 * Rounding: the ratios are wrong by about 1e-7/δ relative, 1e-4 at δ = 1e-3, times √(1−ā)/√ā where the network's output
 * is magnified by that.
 *
 * Random directions find the usual ratio. The Lipschitz constant c_k is the largest over all directions, so at least
 * their maximum: a maximum below 1 proves nothing, one above 1 disproves that the step contracts. Directions that
 * contract slowly are what remains of a displacement after some steps; hence the carried ones.
 * @throws OptionError for unusable options, and as `Policy.denoise`; the reason of `signal` when it is aborted.
 */
export async function measureContraction(
  policy: Pick<Policy, 'denoise'>,
  starts: readonly ContractionStart[],
  options: ContractionOptions,
): Promise<Contraction> {
  const { schedule, deltas, directions, seed } = checked(starts, options);
  const means = schedule.steps.map((step) => makeSchedule(schedule.solver, [{ ...step, fromNoise: 0 }]));
  const paths: PathRatios[] = [];
  for (const [start, { window, sample }] of starts.entries()) {
    const key = { seed, start };
    const displacements = deltas.flatMap((delta) =>
      Array.from({ length: directions }, (_, direction) => displacement(sample.length, delta, direction, key)),
    );
    const noise = schedule.steps.map(({ fromNoise }, k) => stepNoise(sample.length, k, key).map((value) => value * fromNoise));
    paths.push(
      await followPath(sample, displacements, noise, async (k, samples) => {
        options.signal?.throwIfAborted();
        const results = await policy.denoise(samples.map((values) => ({ window, sample: values, schedule: means[k] as Schedule })));
        options.onStep?.(start * means.length + k + 1, starts.length * means.length);
        return results.map(({ normalizedChunk: chunk }) => chunk);
      }),
    );
  }
  return { solver: schedule.solver, starts: starts.length, directions, ...summarize(schedule, deltas, directions, paths) };
}

function summarize(
  schedule: Schedule,
  deltas: readonly number[],
  directions: number,
  paths: readonly PathRatios[],
): Pick<Contraction, 'steps' | 'endToEnd'> {
  /** Of all starts: the displacements of a delta lie together. */
  const ofDelta = <T>(index: number, ratios: (path: PathRatios) => readonly T[]): T[] =>
    paths.flatMap((path) => ratios(path).slice(index * directions, (index + 1) * directions));
  const spreads = (k: number): StepSpread[] =>
    deltas.map((delta, index) => {
      const carried = ofDelta(index, ({ steps }) => steps[k]?.carried ?? []).filter((ratio) => ratio !== undefined);
      return {
        delta,
        fresh: summarizeRatios(ofDelta(index, ({ steps }) => steps[k]?.fresh ?? [])),
        carried: carried.length === 0 ? null : summarizeRatios(carried),
      };
    });
  const steps = schedule.steps.map(({ timestep }, k): ContractionStep => ({ timestep, spreads: spreads(k) }));
  const endToEnd = deltas.map((delta, index): EndToEnd => {
    const product = (factor: 'mean' | 'max'): number =>
      steps.reduce((value, step) => value * (step.spreads[index] as StepSpread).fresh[factor], 1);
    return {
      delta,
      productOfMeans: product('mean'),
      productOfMaxima: product('max'),
      measured: summarizeRatios(ofDelta(index, ({ end }) => end)),
      roundingFloor: ROUNDING / delta,
    };
  });
  return { steps, endToEnd };
}

type Checked = Required<Pick<ContractionOptions, 'schedule' | 'deltas' | 'directions' | 'seed'>>;

function checked(starts: readonly ContractionStart[], options: ContractionOptions): Checked {
  const where = 'measureContraction';
  checkKeys(where, options, ['schedule', 'deltas', 'directions', 'seed', 'signal', 'onStep']);
  const { schedule, deltas = DEFAULT_DELTAS, directions = DEFAULT_DIRECTIONS, seed = 0 } = options;
  if (schedule.steps.some(({ fromPreviousX0 }) => fromPreviousX0 !== 0)) {
    throw new OptionError(
      `${where}: schedule must be of steps that depend on the sample alone, found steps of ${schedule.solver} that depend on the one before: ` +
        'use DDPM or DDIM.',
    );
  }
  if (starts.length === 0 || deltas.length === 0) {
    throw new OptionError(`${where}: at least one start and one delta are needed, found ${starts.length} and ${deltas.length}: give some.`);
  }
  for (const delta of deltas) {
    const wanted = `numbers from ${SMALLEST_DISPLACEMENT}, below which rounding would be measured`;
    checkNumber(where, 'deltas', delta, wanted, (value) => value >= SMALLEST_DISPLACEMENT && value < Infinity);
  }
  checkInteger(where, 'directions', directions, 1, 2 ** 16);
  checkInteger(where, 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  return { schedule, deltas, directions, seed };
}
