import { FrameWindows } from '../decision/frame-windows.js';
import { alphasCumprod } from '../diffusion/noise-schedule.js';
import { DisposedError, OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkNumber, checkObject, keysOf } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import { FrameWindow } from '../observations/window.js';
import { Actor } from '../policy/actor.js';
import { Decider } from '../policy/decider.js';
import type { ActOptions, DecideOptions, DecideRequest, Decision, EpisodeOptions } from '../policy/decision-result.js';
import type { Episode } from '../policy/episode.js';
import { SerialQueue } from '../policy/queue.js';
import { RequestChecks } from '../policy/request-checks.js';
import type { ObservationInfo, SchedulerConfig } from '../spec/policy-spec.js';
import { networkNeedOf } from '../strategies/network-needs.js';
import { createOwnStrategy } from '../strategies/own.js';
import type { Strategy, StrategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { checkDemonstrations, type KernelDemonstrations } from './demonstrations.js';
import { MixtureDenoiser } from './mixture-denoiser.js';
import { Neighbours } from './neighbours.js';
import { Scaling } from './scaling.js';

export interface KernelPolicyOptions {
  /** How decisions are sampled. Default: STEP with 2 evaluations. */
  readonly strategy?: StrategyOptions;
  /** Of the noise. Default 0. */
  readonly seed?: number;
  /** Rows of a chunk. Default 16. */
  readonly horizon?: number;
  /** Frames that a decision reads. Default 2. */
  readonly observationSteps?: number;
  /** Rows that are executed before the next decision. Default 8. */
  readonly actionSteps?: number;
  /** h of the kernel on observations, of which each value goes from −1 to 1 over the demonstrations. Default 0.06. */
  readonly bandwidth?: number;
  /** s: how far chunks are from demonstrated ones, in each normalised value. Default 0.05. */
  readonly spread?: number;
  /** Of the kernel on the rest of the previous chunk, by which the predictor chooses. Default 0.5. */
  readonly continuity?: number;
  /** Nearest frames that a decision looks at. Default 80. */
  readonly neighbours?: number;
}

/** What a kernel policy is. */
export interface KernelPolicyInfo {
  /** What its demonstrations are of. */
  readonly name: string;
  readonly observations: readonly ObservationInfo[];
  readonly observationSteps: number;
  readonly horizon: number;
  readonly actionSteps: number;
  readonly actionDim: number;
  readonly strategy: string;
  readonly strategyOptions: StrategyOptions;
  readonly seed: number;
  readonly episodes: number;
  readonly frames: number;
  /** None is trained. */
  readonly parameters: 0;
  readonly predictor: 'conditional mean';
  readonly precision: 'f64';
  /** It has none. */
  readonly adapter: { readonly description: string; readonly device: ''; readonly isFallback: false };
}

const WHERE = 'kernelPolicy';
const KEYS = keysOf<KernelPolicyOptions>({
  strategy: true,
  seed: true,
  horizon: true,
  observationSteps: true,
  actionSteps: true,
  bandwidth: true,
  spread: true,
  continuity: true,
  neighbours: true,
});
const MOST_ROWS = 1024;
const MOST_NEIGHBOURS = 100_000;

/** Diffusion Policy's. The exact denoiser knows x̂0, so that is what it "predicts". */
const SCHEDULER: SchedulerConfig = {
  type: 'DDPM',
  numTrainTimesteps: 100,
  betaStart: 0.0001,
  betaEnd: 0.02,
  betaSchedule: 'squaredcos_cap_v2',
  predictionType: 'sample',
  clipSample: true,
  clipSampleRange: 1,
  numInferenceSteps: 100,
};
const USUAL_STRATEGY: StrategyOptions = { name: 'STEP' };

/**
 * A diffusion policy without training and without a device: its denoiser is the exact one of a mixture of Gaussians centred on the chunks
 * of demonstrations, weighted by a kernel on the observation; its predictor the mean of those chunks given the previous one too. Every strategy
 * runs on it, in float64 on the host. It knows what was demonstrated and does not generalise: a baseline, and a double for tests.
 * `evaluate` and `ControlLoop` take it as they take a `Policy`.
 * @throws OptionError for demonstrations or options that do not go together.
 */
export function kernelPolicy(demonstrations: KernelDemonstrations, options: KernelPolicyOptions = {}): KernelPolicy {
  return KernelPolicy.of(demonstrations, options);
}

/** See `kernelPolicy`. Calls may overlap; they are carried out one after the other, in order. */
export class KernelPolicy {
  readonly #name: string;
  readonly #facts: Pick<KernelPolicyInfo, 'episodes' | 'frames'>;
  readonly #observations: readonly ObservationInfo[];
  readonly #context: StrategyContext;
  readonly #seed: number;
  readonly #queue = new SerialQueue();
  readonly #decider: Decider;
  readonly #checks: RequestChecks;
  readonly #actor: Actor;
  #strategyOptions: StrategyOptions;
  #isDisposed = false;

  private constructor(demonstrations: KernelDemonstrations, options: KernelPolicyOptions) {
    checkKeys(WHERE, options, KEYS);
    const { strategy = USUAL_STRATEGY, seed = 0, bandwidth = 0.06, spread = 0.05, continuity = 0.5, neighbours = 80 } = options;
    const { horizon = 16, observationSteps = 2, actionSteps = 8 } = options;
    checkInteger(WHERE, 'observationSteps', observationSteps, 1, MOST_ROWS);
    checkInteger(WHERE, 'horizon', horizon, observationSteps, MOST_ROWS);
    checkInteger(WHERE, 'actionSteps', actionSteps, 1, horizon - observationSteps + 1);
    for (const [name, width] of Object.entries({ bandwidth, spread, continuity })) {
      checkNumber(WHERE, name, width, 'a number from 1e-6 to 1e6', (value) => value >= 1e-6 && value <= 1e6);
    }
    checkInteger(WHERE, 'neighbours', neighbours, 1, MOST_NEIGHBOURS);
    this.#seed = checkInteger(WHERE, 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
    const checked = checkDemonstrations(WHERE, demonstrations);
    const { name, actionDim } = checked;
    this.#name = name;
    this.#facts = { episodes: checked.episodeEnds.length, frames: checked.frames };
    this.#observations = checked.observations.map(({ name: feature, size }) => ({ kind: 'vector', name: feature, feature, size }));
    this.#context = { scheduler: SCHEDULER, horizon, actionDim, observationSteps, actionSteps };
    const action = new Scaling(checked.actions, actionDim);
    const denoiser = new MixtureDenoiser({
      neighbours: new Neighbours(checked, action, { bandwidth, neighbours, horizon, observationSteps }),
      action,
      alphasCumprod: alphasCumprod(SCHEDULER, 'pytorch'),
      spread,
      continuity,
      executed: actionSteps * actionDim,
    });
    this.#decider = new Decider(denoiser, new FrameWindows(this.#observations), this.#context, undefined);
    this.#checks = new RequestChecks({
      name,
      observations: this.#observations,
      context: this.#context,
      seed,
      hasBegun: (episode) => this.#actor.hasBegun(episode),
    });
    const actor = {
      checks: this.#checks,
      decider: this.#decider,
      context: this.#context,
      seed,
      newWindow: () => new FrameWindow(this.#observations, this.#context.observationSteps),
      run: <T>(task: () => T | Promise<T>): Promise<T> => this.#run(task),
    };
    this.#actor = new Actor(actor, this.#createStrategy(strategy));
    this.#strategyOptions = structuredClone(strategy);
  }

  /** For `kernelPolicy`. @internal */
  static of(demonstrations: KernelDemonstrations, options: KernelPolicyOptions): KernelPolicy {
    return new KernelPolicy(demonstrations, options);
  }

  get info(): KernelPolicyInfo {
    const { scheduler: _, ...sizes } = this.#context;
    const { description, actionSteps } = this.#actor.strategy;
    return {
      name: this.#name,
      observations: this.#observations,
      ...sizes,
      actionSteps,
      strategy: description,
      strategyOptions: this.#strategyOptions,
      seed: this.#seed,
      ...this.#facts,
      parameters: 0,
      predictor: 'conditional mean',
      precision: 'f64',
      adapter: { description: 'none: float64 on the host', device: '', isFallback: false },
    };
  }

  /** One control tick, as `Policy.act`. @throws ObservationError, NonFiniteError, DisposedError. */
  act(observation: Observation, options?: ActOptions): Promise<Float32Array> {
    return this.#actor.act(observation, options);
  }

  /** One decision over a window, as `Policy.decide`. @throws ObservationError, OptionError, NonFiniteError, DisposedError. */
  decide(window: Observation, options?: DecideOptions): Promise<Decision> {
    return this.#actor.decide(window, options);
  }

  /** Begins an episode of its own, as `Policy.beginEpisode`. @throws OptionError, DisposedError. */
  beginEpisode(options: EpisodeOptions = {}): Episode {
    this.#assertUsable();
    return this.#actor.beginEpisode(options, (asked) => this.#createStrategy(asked));
  }

  /** Decisions of several episodes, as `Policy.decideAll`. @throws as decide(), naming the request. */
  decideAll(requests: readonly DecideRequest[]): Promise<Decision[]> {
    return this.#actor.decideAll(requests);
  }

  /** The same, each for itself, as `Policy.decideAllSettled`. @throws DisposedError, and OptionError where an episode is there twice. */
  decideAllSettled(requests: readonly DecideRequest[]): Promise<PromiseSettledResult<Decision>[]> {
    return this.#actor.decideAllSettled(requests);
  }

  /** Ends the episode, as `Policy.reset`. @throws DisposedError. */
  reset(): void {
    this.#assertUsable();
    void this.#queue.run(() => this.#actor.reset());
  }

  /** Changes how decisions are sampled, and ends the episode. @throws OptionError, DisposedError. */
  useStrategy(options: StrategyOptions): void {
    this.#assertUsable();
    const strategy = this.#createStrategy(options);
    const given = structuredClone(options);
    this.reset();
    void this.#queue.run(() => {
      this.#actor.strategy = strategy;
      this.#strategyOptions = given;
    });
  }

  /** Waits for running calls. Later ones fail. */
  dispose(): Promise<void> {
    this.#isDisposed = true;
    return this.#queue.run(() => {});
  }

  async #run<T>(task: () => T | Promise<T>): Promise<T> {
    this.#assertUsable();
    return this.#queue.run(task);
  }

  #assertUsable(): void {
    if (this.#isDisposed) throw new DisposedError(`kernel policy "${this.#name}" was disposed of: make another one.`);
  }

  #createStrategy(options: StrategyOptions): Strategy {
    const { name } = checkObject('strategy', 'options', options) as StrategyOptions;
    // Of these, `createOwnStrategy` would ask for a network, which nobody can give.
    const need = networkNeedOf(name);
    if (need) {
      throw new OptionError(
        `strategy ${name} needs a network of type "${need.network}" ${need.why}, and a kernel policy has no networks: choose another strategy.`,
      );
    }
    return createOwnStrategy(options, this.#context);
  }
}
