import { posteriorMeanSchedule, resumeSchedule } from '../diffusion/resume.js';
import { type Schedule, SOLVER_NAMES, signalAndNoise } from '../diffusion/solver-step.js';
import { shiftRows } from './chunks.js';
import { defineStrategy } from './define.js';
import { choice, evaluations, fraction, integer, positive, toggle } from './option-kinds.js';
import { solverOptions, solverSchedule, startFromNoise } from './solver.js';
import {
  type DecidingSteps,
  type DecisionContext,
  type DecisionMaker,
  type DenoiseRequest,
  type DenoiseResult,
  type StrategyContext,
  startFromSample,
} from './strategy.js';

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
export const FALCON = defineStrategy({
  name: 'Falcon',
  spelled: 'falcon',
  count: 'steps',
  options: {
    solver: choice(SOLVER_NAMES, ({ scheduler }) => scheduler.type, "DDPM, DDIM or DPM-Solver++ (the checkpoint's)"),
    steps: evaluations(({ scheduler }) => scheduler.numInferenceSteps, "evaluations of a decision from noise (the checkpoint's)"),
    exploration: fraction(0.1, 'probability of starting from noise anyway (0.1)'),
    threshold: positive(0.03, "largest RMS distance of a candidate's x̂0 from the rest of the last chunk (0.03)"),
    kappa: positive(
      ({ scheduler }) => scheduler.numTrainTimesteps / 10,
      'timestep k is chosen with a probability ∝ exp(−k/κ) (a tenth of the training timesteps)',
    ),
    minTimestep: integer(
      0,
      ({ scheduler }) => scheduler.numTrainTimesteps - 1,
      ({ scheduler }) => Math.floor(scheduler.numTrainTimesteps / 5),
      'samples below this timestep are no candidates (a fifth of the training timesteps)',
    ),
    capacity: integer(1, 10_000, 50, 'samples that are remembered (50)'),
    shiftOnReuse: toggle(false, 'whether a remembered sample moves on by the executed rows (off)'),
  },
  create: ({ solver, steps, ...options }, context) => {
    const { scheduler } = context;
    const full = solverSchedule(solver, { steps }, scheduler);
    const terms = { ...solverOptions(scheduler), clip: full.steps[0]?.clip ?? null };
    const falcon: Falcon = {
      ...options,
      context,
      full,
      resumed: full.steps.map((_, index) => resumeSchedule(full, index)),
      screening: full.steps.map(({ timestep }) => posteriorMeanSchedule(solver, terms, timestep)),
      alphasCumprod: terms.alphasCumprod,
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
  },
});

class FalconEpisode implements DecisionMaker {
  readonly #falcon: Falcon;
  #buffer: FalconBuffer;

  constructor(falcon: Falcon) {
    this.#falcon = falcon;
    this.#buffer = new FalconBuffer(falcon.capacity);
  }

  *decide(context: DecisionContext): DecidingSteps {
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
