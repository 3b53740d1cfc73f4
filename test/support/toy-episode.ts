import type {
  DecisionMaker,
  DecisionOutcome,
  DenoiseRequest,
  DenoiseResult,
  PastChunk,
  Strategy,
  StrategyContext,
} from '../../src/strategies/strategy.js';
import { at, type Denoiser, run, toy } from './toy.js';

/** The checkpoint that toy strategies are made for: four rows of one number, two of them executed per decision. */
export const TOY_CONTEXT = {
  scheduler: {
    type: 'DDIM',
    predictionType: 'epsilon',
    clipSample: true,
    clipSampleRange: 1,
    numInferenceSteps: 10,
    numTrainTimesteps: 100,
    betaSchedule: 'squaredcos_cap_v2',
    betaStart: 1e-4,
    betaEnd: 0.02,
  },
  horizon: 4,
  actionDim: 1,
  observationSteps: 1,
  actionSteps: 2,
} as const satisfies StrategyContext;

export interface ToyOptions {
  readonly denoiser?: Denoiser;
  /** What the predictor returns, whatever it is shown. Default 0. */
  readonly prediction?: number;
}

/** What one decision draws. */
export interface ToyDraws {
  /** In place of the noise of the start. Default: zeros. */
  readonly noise?: readonly number[];
  /** Numbers of the strategy's choices. Default: 0.5 each. */
  readonly uniform?: readonly number[];
  readonly normal?: readonly number[];
}

export interface ToyDecision extends DecisionOutcome {
  readonly chunk: readonly number[];
  /** What was asked of the network, round by round. */
  readonly rounds: readonly (readonly DenoiseRequest[])[];
}

/** An episode on the host: the network is a formula, applied to each number of a chunk by itself, and solver noise is 0. */
export class ToyEpisode {
  /** Newest first. */
  past: PastChunk[] = [];
  readonly #maker: DecisionMaker;
  readonly #denoiser: Denoiser;
  readonly #prediction: number;

  constructor(strategy: Strategy, { denoiser = toy, prediction = 0 }: ToyOptions = {}) {
    this.#maker = strategy.begin();
    this.#denoiser = denoiser;
    this.#prediction = prediction;
  }

  /** Takes `chunk` for that of a decision that was made. */
  push(chunk: readonly number[]): void {
    const values = Float32Array.from(chunk);
    this.past = [{ normalizedChunk: values, chunk: values }, ...this.past];
  }

  decide({ noise = [0, 0, 0, 0], uniform = [], normal = [] }: ToyDraws = {}): ToyDecision {
    const [newest, before] = this.past;
    const deciding = this.#maker.decide({
      newest,
      before,
      frames: new Float32Array(),
      uniform: (count) => Float64Array.from({ length: count }, (_, i) => uniform[i] ?? 0.5),
      normal: (count) => Float32Array.from({ length: count }, (_, i) => at(normal, i)),
    });
    const rounds: (readonly DenoiseRequest[])[] = [];
    let next = deciding.next();
    while (!next.done) {
      rounds.push(next.value);
      next = deciding.next(next.value.map((request) => this.#denoise(request, noise)));
    }
    const outcome = next.value;
    outcome.remember?.();
    this.past = [outcome.result, ...this.past];
    return { ...outcome, chunk: [...outcome.result.normalizedChunk], rounds };
  }

  #denoise({ predictionScale, noiseScale, schedule, prediction }: DenoiseRequest, noise: readonly number[]): DenoiseResult {
    const predicted = (i: number): number => (prediction ? at(prediction, i) : this.#prediction);
    const starts = noise.map((value, i) => predictionScale * predicted(i) + noiseScale * value);
    const runs = starts.map((start) => run(schedule, start, this.#denoiser));
    const chunk = Float32Array.from(runs, ({ result }) => result);
    const trace = schedule.steps.map((_, step) => Float32Array.from(runs, (one) => at(one.trace, step).x));
    return { normalizedChunk: chunk, chunk: chunk, trace };
  }
}
