import type { Schedule } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import type { GivenMethods, MethodNetworks, MethodType } from '../spec/method-networks.js';
import type { PolicySpec, SchedulerConfig } from '../spec/policy-spec.js';

/** A chunk as decisions leave it behind, of one sample, or of a batch [b][…]. */
export interface PastChunk {
  /** Normalised, f32 [horizon][actionDim]. */
  readonly normalizedChunk: Float32Array;
  /** In the units of the robot, f32 [horizon][actionDim]. */
  readonly chunk: Float32Array;
}

/** One run of the denoiser over one sample: x = predictionScale · prediction + noiseScale · noise, then the schedule. */
export interface DenoiseRequest {
  readonly predictionScale: number;
  readonly noiseScale: number;
  readonly schedule: Schedule;
  /** In place of the predictor's: a prediction made here, or a sample to start from. Normalised, f32 [horizon][actionDim]. */
  readonly prediction?: Float32Array;
  /** What the predictor is shown as previous chunk, normalised, f32 [horizon][actionDim]. Default: the newest chunk, or zeros. */
  readonly history?: Float32Array;
  /** The denoiser that the run goes through, by name. Default: the policy's own. */
  readonly denoiser?: string;
  /**
   * How many rows of step noise earlier runs of the decision took: this one's are those behind them, so that no noise is added twice.
   * Default 0.
   */
  readonly firstNoiseRow?: number;
  /** In place of the decision's own: the observation of an earlier decision, as its context gave it. */
  readonly frames?: Float32Array;
  /** Whether the result brings the sample after every step. */
  readonly trace?: boolean;
}

export interface DenoiseResult extends PastChunk {
  /** Sample after each step of the schedule, normalised, f32 [horizon][actionDim]; empty unless asked for. */
  readonly trace: readonly Float32Array[];
}

/** The run of a sample that is given as it is. */
export function startFromSample(sample: Float32Array, schedule: Schedule): DenoiseRequest {
  return { predictionScale: 1, noiseScale: 0, prediction: sample, schedule };
}

/** What a strategy decides from: what earlier decisions of the episode left behind. */
export interface DecisionContext {
  readonly newest: PastChunk | undefined;
  readonly before: PastChunk | undefined;
  /**
   * What the decision observes: raw observations, images as their features, f32 [observationSteps][frameWidth], oldest frame first. Features may
   * be missing until the first run was made; the array may be used again after the decision.
   */
  readonly frames: Float32Array;
  /** Numbers for choices of this decision, uniform in (0, 1); the same at every repetition of it. */
  uniform(count: number): Float64Array;
  /** Standard normal numbers, likewise; others than the noise of its runs. */
  normal(count: number): Float32Array;
}

export interface DecisionOutcome {
  /** The run whose chunk is executed. */
  readonly result: DenoiseResult;
  /** The run's request. */
  readonly request: DenoiseRequest;
  /** Whether the start came from a prediction, or from an earlier sample. */
  readonly warm: boolean;
  /** Whether the stall rule chose the start. */
  readonly stalled: boolean;
  /** Network evaluations that only compared candidates. */
  readonly screening: number;
  /** Makes the maker remember this decision; called when nothing can undo it any more. Default: there is nothing to remember. */
  readonly remember?: () => void;
}

/**
 * A decision on its way: asks for runs of the denoiser, is given their results in the same order, and so on until it has
 * made up its mind. Whoever drives it may run the requests of many episodes as one batch.
 */
export type Deciding = Pick<DecidingSteps, 'next'>;

/** The same, written as a generator. */
export type DecidingSteps = Generator<readonly DenoiseRequest[], DecisionOutcome, readonly DenoiseResult[]>;

/**
 * Makes the decisions of one episode. What it remembers, beyond the two newest chunks that it is handed, changes by an
 * outcome's `remember` alone, so that a decision that fails, or that was made beside one that fails, can be tried again.
 */
export interface DecisionMaker {
  decide(context: DecisionContext): Deciding;
}

/** What a predictor is: STEP's network, a CVAE, or the shifted chunk. */
export type PredictorKind = 'network' | 'cvae' | 'shift';

/** A network that whoever loads the policy has to bring. */
export interface NetworkNeed {
  readonly network: 'predictor' | MethodType;
  /** The only kind of predictor that does. Default: any. */
  readonly kind?: 'cvae';
  /** What for, to end "needs a predictor " with. */
  readonly why: string;
  /** What can be given, to end "give … " with. */
  readonly given: string;
}

/** A strategy: how decisions are sampled from the denoiser. One strategy serves any number of episodes. */
export interface Strategy {
  /** For people, e.g. "STEP 2 (forward-noise, cold DDIM 16)". */
  readonly description: string;
  /** Schedules that decisions may run: they fix the sizes of a plan's buffers. */
  readonly schedules: readonly Schedule[];
  /** The schedule of a usual decision: the first one of an episode may differ. */
  readonly usual: Schedule;
  /** Networks beside the denoiser that decisions may ask for. */
  readonly needs: readonly NetworkNeed[];
  /** The network of a method that its runs go through, as their `denoiser`. Default: the policy's own. */
  readonly denoiser?: MethodType;
  /** Whether a usual decision starts from what that network predicts. Default false. */
  readonly predicts?: boolean;
  /** Rows of a chunk that are executed before the next decision. */
  readonly actionSteps: number;
  /** The first of them. Default: that of the newest frame, observation steps − 1. */
  readonly firstRow?: number;
  /** Rows of its chunks, whose runs bring their samples. Default: the policy's horizon. */
  readonly horizon?: number;
  /** Whether a decision depends on the two newest chunks and on nothing else of the past. */
  readonly needsOnlyChunks: boolean;
  /** Begins an episode. */
  begin(): DecisionMaker;
}

/** Whether a strategy's decisions ask for a predictor. */
export function needsPredictor({ needs }: Strategy): boolean {
  return needs.some(({ network }) => network === 'predictor');
}

/** Whether a usual decision of a strategy starts from a prediction that a network makes. */
export function usesPrediction(strategy: Strategy): boolean {
  return strategy.predicts === true || needsPredictor(strategy);
}

/** Whether a predictor of this kind, or none, is what a strategy needs; of needs that are of no predictor, that is not the question. */
export function suitsPredictor({ network, kind }: NetworkNeed, found: PredictorKind | 'none'): boolean {
  if (network !== 'predictor') return true;
  return found !== 'none' && (kind === undefined || found === kind);
}

/** How a predictor that is needed, and one that was found, are called in an error. */
export function predictorWords({ kind }: Pick<NetworkNeed, 'kind'>, found: PredictorKind | 'none'): { needed: string; found: string } {
  const needed = kind === undefined ? 'a predictor' : `a predictor that is a ${PREDICTOR_NAMES[kind]}`;
  return { needed, found: found === 'none' ? 'none' : `a ${PREDICTOR_NAMES[found]}` };
}

const PREDICTOR_NAMES: Readonly<Record<PredictorKind, string>> = { network: 'STEP predictor', cvae: 'CVAE', shift: 'shifted chunk' };

/**
 * What is to be said where a network is missing that decisions of a strategy ask for. `found`: the predictor that is there, where it is not of
 * the kind that is needed.
 */
export function missingNetwork(strategy: string, need: NetworkNeed, found: PredictorKind | 'none' = 'none'): OptionError {
  const { network, why, given } = need;
  if (network === 'predictor') {
    const words = predictorWords(need, found);
    return new OptionError(
      `strategy ${strategy} needs ${words.needed} ${why}, found ${words.found}: give \`networks: { predictor }\` when loading the policy, ${given}.`,
    );
  }
  return new OptionError(
    `strategy ${strategy} needs a network of type "${network}" ${why}, found none: give \`networks: { methods }\` when loading the policy ` +
      `(on a command line --network), ${given}.`,
  );
}

/** The configuration of a network that a strategy needs. @throws OptionError where the policy was loaded without. */
export function neededNetwork<T extends MethodType>(
  strategy: string,
  need: NetworkNeed & { readonly network: T },
  { methods }: StrategyContext,
): MethodNetworks[T] {
  const found = methods?.[need.network] as MethodNetworks[T] | undefined;
  if (found === undefined) throw missingNetwork(strategy, need);
  return found;
}

/** What a strategy needs to know of its policy. */
export interface StrategyContext {
  readonly scheduler: SchedulerConfig;
  readonly horizon: number;
  readonly actionDim: number;
  readonly observationSteps: number;
  readonly actionSteps: number;
  /** Networks of methods beside it. Default: none. */
  readonly methods?: GivenMethods;
}

export function strategyContext(
  { scheduler, unet, observationSteps, actionSteps }: PolicySpec,
  methods: GivenMethods = {},
): StrategyContext {
  return { scheduler, horizon: unet.horizon, actionDim: unet.actionDim, observationSteps, actionSteps, methods };
}

/** The start of a decision that is one run. */
export interface DecisionStart extends DenoiseRequest {
  readonly warm: boolean;
  readonly stalled: boolean;
}

/** A maker of decisions that are one run each; all episodes share it, because it remembers nothing. */
export function singleRuns(
  start: (context: DecisionContext) => DecisionStart,
  finish: (result: DenoiseResult) => DenoiseResult = (result) => result,
): () => DecisionMaker {
  const maker: DecisionMaker = { decide: (context) => new SingleRun(start(context), finish) };
  return () => maker;
}

/** A decision of one run. No generator, which leaves a quarter of a kilobyte more garbage: this is what most control loops wait for. */
class SingleRun implements Deciding {
  readonly #request: DecisionStart;
  readonly #finish: (result: DenoiseResult) => DenoiseResult;

  constructor(request: DecisionStart, finish: (result: DenoiseResult) => DenoiseResult) {
    this.#request = request;
    this.#finish = finish;
  }

  next(results?: readonly DenoiseResult[]): ReturnType<Deciding['next']> {
    const request = this.#request;
    if (!results) return { done: false, value: [request] };
    const result = this.#finish(results[0] as DenoiseResult);
    return { done: true, value: { result, request, warm: request.warm, stalled: request.stalled, screening: 0 } };
  }
}
