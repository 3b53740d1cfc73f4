import { posteriorMeanSchedule, resumeSchedule } from '../diffusion/resume.js';
import { type Schedule, SOLVER_NAMES, signalAndNoise } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkNumber } from '../foundation/options.js';
import { shiftRows } from './chunks.js';
import { solverOptions, solverSchedule, startFromNoise } from './solver.js';
import {
  type Deciding,
  type DecisionContext,
  type DecisionMaker,
  type DenoiseRequest,
  type DenoiseResult,
  type Strategy,
  type StrategyContext,
  startFromSample,
} from './strategy.js';
import type { FalconStrategyOptions } from './strategy-options.js';

/** A sample that a decision passed through on its way to a chunk. */
export interface VisitedSample {
  /** Normalised, f32 [horizon][actionDim]. */
  readonly sample: Float32Array;
  /** Index of the solver step that comes next. */
  readonly step: number;
}

/** The newest samples of an episode, as many as fit. Does not change: adding to it makes another one. */
export class FalconBuffer {
  /** Oldest decision first, of one decision the noisiest first: the order in which they are forgotten. */
  readonly samples: readonly VisitedSample[];
  readonly #capacity: number;

  constructor(capacity: number, samples: readonly VisitedSample[] = []) {
    this.#capacity = capacity;
    this.samples = samples.slice(-capacity);
  }

  /** With the samples of one more decision, in the order of its steps. */
  with(visited: readonly VisitedSample[]): FalconBuffer {
    return new FalconBuffer(this.#capacity, [...this.samples, ...visited]);
  }
}

/** Settings of Falcon, complete. */
interface Falcon {
  readonly context: StrategyContext;
  /** From noise. */
  readonly full: Schedule;
  /** From a sample before step i of `full`. */
  readonly resumed: readonly Schedule[];
  /** x̂0 of a sample before step i of `full`. */
  readonly screening: readonly Schedule[];
  readonly alphasCumprod: Float64Array;
  readonly exploration: number;
  readonly threshold: number;
  readonly kappa: number;
  readonly minTimestep: number;
  readonly capacity: number;
  readonly shiftOnReuse: boolean;
}

/**
 * Falcon (Chen et al. 2025): a decision may go on from a sample that an earlier decision passed through. Each remembered
 * sample is denoised in one jump under the new observation; where the result is near the part of the last chunk that is
 * still to be executed, the sample is a candidate, and one of them is drawn, rather a less noisy one. Experimental: the
 * paper's code is not public, and where it is silent the defaults are ours.
 */
export function createFalconStrategy(options: FalconStrategyOptions, context: StrategyContext): Strategy {
  const where = 'strategy Falcon';
  checkKeys(where, options, ['name', 'solver', 'steps', 'exploration', 'threshold', 'kappa', 'minTimestep', 'capacity', 'shiftOnReuse']);
  if (options.shiftOnReuse !== undefined && typeof options.shiftOnReuse !== 'boolean') {
    throw new OptionError(`${where}: shiftOnReuse must be true or false, found ${String(options.shiftOnReuse)}.`);
  }
  const { scheduler } = context;
  const { numTrainTimesteps } = scheduler;
  const solver = checkChoice(where, 'solver', options.solver ?? scheduler.type, SOLVER_NAMES);
  const full = solverSchedule({ name: solver, steps: options.steps ?? scheduler.numInferenceSteps }, scheduler);
  const terms = { ...solverOptions(scheduler), clip: full.steps[0]?.clip ?? null };
  const positive = (value: number): boolean => value > 0 && value < Infinity;
  const falcon: Falcon = {
    context,
    full,
    resumed: full.steps.map((_, index) => resumeSchedule(full, index)),
    screening: full.steps.map(({ timestep }) => posteriorMeanSchedule(solver, terms, timestep)),
    alphasCumprod: terms.alphasCumprod,
    exploration: checkNumber(where, 'exploration', options.exploration ?? 0.1, 'a number from 0 to 1', (value) => value >= 0 && value <= 1),
    threshold: checkNumber(where, 'threshold', options.threshold ?? 0.03, 'a finite number above 0', positive),
    kappa: checkNumber(where, 'kappa', options.kappa ?? numTrainTimesteps / 10, 'a finite number above 0', positive),
    minTimestep: checkInteger(where, 'minTimestep', options.minTimestep ?? Math.floor(numTrainTimesteps / 5), 0, numTrainTimesteps - 1),
    capacity: checkInteger(where, 'capacity', options.capacity ?? 50, 1, 10_000),
    shiftOnReuse: options.shiftOnReuse ?? false,
  };
  return {
    description: `Falcon on ${solver} ${full.steps.length} (experimental)`,
    schedules: [full, ...falcon.screening],
    usual: full,
    needs: [],
    actionSteps: context.actionSteps,
    needsOnlyChunks: false,
    begin: () => new FalconEpisode(falcon),
  };
}

class FalconEpisode implements DecisionMaker {
  readonly #falcon: Falcon;
  #buffer: FalconBuffer;

  constructor(falcon: Falcon) {
    this.#falcon = falcon;
    this.#buffer = new FalconBuffer(falcon.capacity);
  }

  *decide(context: DecisionContext): Deciding {
    const { exploration, full } = this.#falcon;
    const [explore = 0, choice = 0] = context.uniform(2);
    const candidates = explore < exploration ? [] : this.#candidates(context);
    const means = candidates.length === 0 ? [] : yield candidates.map((candidate) => this.#screen(candidate));
    const kept = candidates.filter((_, i) => this.#agrees(means[i] as DenoiseResult, context));
    const chosen = this.#draw(kept, choice);
    const request: DenoiseRequest = chosen
      ? { ...startFromSample(chosen.sample, this.#falcon.resumed[chosen.step] as Schedule), trace: true }
      : { ...startFromNoise(full), trace: true };
    const [result] = yield [request];
    const { trace } = result as DenoiseResult;
    // The last one is the clean chunk; the start is noise, or is there already.
    const first = (chosen?.step ?? 0) + 1;
    const visited = trace.slice(0, -1).map((sample, i) => ({ sample, step: first + i }));
    const remember = (): void => {
      this.#buffer = this.#buffer.with(visited);
    };
    return { result: result as DenoiseResult, request, warm: chosen !== undefined, stalled: false, screening: candidates.length, remember };
  }

  /** Remembered samples that are noisy enough, where there is a part of the last chunk to compare with. */
  #candidates(context: DecisionContext): readonly VisitedSample[] {
    const { full, minTimestep, shiftOnReuse } = this.#falcon;
    if (!context.newest || this.#overlapRows() <= 0) return [];
    const noisy = this.#buffer.samples.filter(({ step }) => (full.steps[step]?.timestep ?? 0) >= minTimestep);
    return shiftOnReuse ? noisy.map((visited, i) => this.#shifted(visited, i, context)) : noisy;
  }

  #screen({ sample, step }: VisitedSample): DenoiseRequest {
    return startFromSample(sample, this.#falcon.screening[step] as Schedule);
  }

  /** RMS distance between x̂0 and the rest of the last chunk, over the rows that both have and nobody executed. */
  #agrees({ normalizedChunk: chunk }: DenoiseResult, { newest }: DecisionContext): boolean {
    const { threshold, context } = this.#falcon;
    const { actionDim, actionSteps, observationSteps } = context;
    const first = (observationSteps - 1) * actionDim;
    const count = this.#overlapRows() * actionDim;
    let sum = 0;
    for (let i = first; i < first + count; i++) {
      sum += ((chunk[i] as number) - (newest?.normalizedChunk[i + actionSteps * actionDim] as number)) ** 2;
    }
    return Math.sqrt(sum / count) < threshold;
  }

  /** Rows of the next chunk, from the one that is executed first, that the last chunk has too. */
  #overlapRows(): number {
    const { horizon, observationSteps, actionSteps } = this.#falcon.context;
    return horizon - (observationSteps - 1) - actionSteps;
  }

  /** Draws with probability ∝ exp(−k/κ). */
  #draw(kept: readonly VisitedSample[], choice: number): VisitedSample | undefined {
    const { full, kappa } = this.#falcon;
    const timesteps = kept.map(({ step }) => full.steps[step]?.timestep ?? 0);
    // Counted from the least noisy one: with a small κ all weights would round to 0.
    const least = Math.min(...timesteps);
    const weights = timesteps.map((timestep) => Math.exp((least - timestep) / kappa));
    let rest = choice * weights.reduce((sum, weight) => sum + weight, 0);
    return kept.find((_, i) => (rest -= weights[i] as number) <= 0) ?? kept.at(-1);
  }

  /** Moved on by the executed rows; the rows that come in repeat the last action, noised to the sample's level. */
  #shifted({ sample, step }: VisitedSample, index: number, context: DecisionContext): VisitedSample {
    const { full, alphasCumprod } = this.#falcon;
    const { actionDim, actionSteps, horizon } = this.#falcon.context;
    const { signal, noise } = signalAndNoise(alphasCumprod, full.steps[step]?.timestep ?? 0);
    const shifted = shiftRows(sample, actionDim, actionSteps);
    const kept = (horizon - actionSteps) * actionDim;
    const fresh = context.normal((index + 1) * actionSteps * actionDim).subarray(index * actionSteps * actionDim);
    const last = context.newest?.normalizedChunk.subarray(-actionDim);
    fresh.forEach((epsilon, i) => (shifted[kept + i] = signal * (last?.[i % actionDim] as number) + noise * epsilon));
    return { sample: shifted, step };
  }
}
