import { Denoiser, type DenoiseSample } from '../decision/denoiser.js';
import { encodePlans } from '../decision/encode-plan.js';
import { FrameEncoder } from '../decision/frame-encoder.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { PlanCache } from '../decision/plan-cache.js';
import { DisposedError, OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys } from '../foundation/options.js';
import { type Observation, observationOf } from '../observations/check.js';
import { FrameWindow } from '../observations/window.js';
import type { PlanTiming } from '../runtime/timing.js';
import { type ObservationInfo, observationInfo, type PolicySpec } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import { createStrategy } from '../strategies/index.js';
import { type DenoiseResult, type Strategy, type StrategyContext, strategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { Decider, nextTurn, type Turn } from './decider.js';
import type { ActOptions, DecideOptions, DecideRequest, Decision, EpisodeOptions } from './decision-result.js';
import { Episode } from './episode.js';
import { describePolicy, type PolicyInfo } from './info.js';
import { SerialQueue } from './queue.js';
import { RequestChecks } from './request-checks.js';

export type {
  ActOptions,
  DecideOptions,
  DecideRequest,
  Decision,
  EpisodeOptions,
  EpisodeRequest,
  StatelessRequest,
} from './decision-result.js';

export interface PolicyParts {
  readonly spec: PolicySpec;
  readonly networks: PolicyNetworks;
  readonly precision: Precision;
  readonly fileDtypes: readonly string[];
  readonly strategy: StrategyOptions;
  readonly seed: number;
  readonly warnings: readonly string[];
  readonly probes: readonly string[];
  readonly onDecision: ((result: Decision) => void) | undefined;
  /** Called last when the policy is disposed of, e.g. to dispose of a device that was opened for it. */
  readonly onDispose: (() => void) | undefined;
}

/** WebGPU's default for workgroups per dimension; a batch is one dimension. */
const MAX_BATCH = 65_535;

/**
 * A diffusion policy on a device. Calls may overlap; they are carried out one after the other, in order.
 * `loadPolicy` makes one.
 */
export class Policy {
  readonly #parts: PolicyParts;
  readonly #observations: readonly ObservationInfo[];
  readonly #context: StrategyContext;
  readonly #queue = new SerialQueue();
  readonly #plans: PlanCache;
  readonly #denoiser: Denoiser;
  readonly #encoder: FrameEncoder;
  readonly #decider: Decider;
  readonly #checks: RequestChecks;
  #strategy: Strategy;
  #own: Episode | undefined;
  /** Number of that episode, part of the key of its noise. */
  #ownIndex = 0;
  /** Episodes beside it. */
  readonly #begun = new WeakSet<Episode>();
  #disposal: Promise<void> | undefined;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#observations = observationInfo(parts.spec.observations);
    this.#plans = new PlanCache(parts.networks, parts.spec, parts.probes);
    this.#denoiser = new Denoiser(this.#plans);
    this.#context = strategyContext(parts.spec);
    this.#encoder = new FrameEncoder(encodePlans(parts.networks, parts.probes), this.#observations);
    this.#decider = new Decider(this.#denoiser, this.#encoder, this.#context, parts.onDecision);
    this.#checks = new RequestChecks({
      name: parts.spec.name,
      observations: this.#observations,
      context: this.#context,
      seed: parts.seed,
      hasBegun: (episode) => this.#begun.has(episode),
    });
    this.#strategy = this.#createStrategy(parts.strategy);
  }

  /** Names, sizes, strategy, adapter, memory, and the checkpoint's warnings. */
  get info(): PolicyInfo {
    const { spec, networks, precision, fileDtypes, warnings } = this.#parts;
    const { usual, needs, description, actionSteps } = this.#strategy;
    return {
      ...describePolicy(spec, networks),
      actionSteps,
      precision,
      fileDtypes,
      warnings,
      strategy: description,
      dispatches: this.#plans.peek(1)?.dispatchCount(
        usual.steps.length,
        needs.some(({ network }) => network === 'predictor'),
      ),
    };
  }

  /**
   * One control tick: takes the newest observation, returns the next action, f32 [actionDim], in the units of the
   * robot. Every `actionSteps` ticks this makes a decision. After a reset the first observation also stands for the
   * frames before it. (LeRobot's `select_action`.)
   * @throws ObservationError, NonFiniteError, DeviceLostError, DisposedError; the episode is then as it was before, so
   * that the tick can be tried again.
   */
  async act(observation: Observation, options: ActOptions = {}): Promise<Float32Array> {
    const { frame, given } = this.#checks.tick(observation, options);
    return this.#run(async () => {
      const { actionDim } = this.#context;
      const episode = options.episode ?? this.#ownEpisode();
      if (episode.actions.length === 0) {
        const { actions } = await this.#decideOne(nextTurn(episode, { frames: episode.window.read(frame), given }));
        for (let row = 0; row < actions.length; row += actionDim) episode.actions.push(actions.slice(row, row + actionDim));
      }
      episode.window.push(frame);
      return episode.actions.shift() as Float32Array;
    });
  }

  /**
   * One decision over a window of `observationSteps` frames, oldest first: values by name, flattened
   * [observationSteps][size].
   * @throws ObservationError, OptionError, NonFiniteError, DeviceLostError.
   */
  async decide(window: Observation, options: DecideOptions = {}): Promise<Decision> {
    checkKeys('decide', options, ['noise', 'stepNoise', 'previous', 'seed']);
    const { previous, seed } = options;
    if (previous) {
      const turn = this.#checks.stateless('decide', { ...options, window, previous }, 0);
      return this.#run(() => this.#decideOne(turn(this.#strategy)));
    }
    const given = this.#checks.window('decide', window, options);
    return this.#run(async () => {
      const episode = this.#ownEpisode();
      const decision = await this.#decideOne(nextTurn(episode, given, seed));
      // What act() still held was decided from older observations.
      episode.actions.length = 0;
      return decision;
    });
  }

  /** Begins an episode of its own, beside the policy's: for fleets, and for strategies side by side. @throws OptionError. */
  beginEpisode(options: EpisodeOptions = {}): Episode {
    checkKeys('beginEpisode', options, ['strategy', 'seed']);
    const strategy = options.strategy ? this.#createStrategy(options.strategy) : this.#strategy;
    const seed = checkInteger('beginEpisode', 'seed', options.seed ?? this.#parts.seed, 0, Number.MAX_SAFE_INTEGER);
    const episode = new Episode(strategy, { seed, episode: 0, sample: 0 }, this.#newWindow());
    this.#begun.add(episode);
    return episode;
  }

  /**
   * Many decisions together, of episodes and stateless ones: what their strategies ask of the network runs as one batch
   * where the timesteps allow. A decision's bits do not depend on the others.
   * @throws as decide(); then no episode has changed.
   */
  async decideAll(requests: readonly DecideRequest[]): Promise<Decision[]> {
    const turns = this.#checks.together(requests);
    return this.#run(() => this.#decider.decide(turns.map((turn) => turn(this.#strategy))));
  }

  /**
   * Runs samples through chosen steps of a solver, outside of any episode: for analysis, and to build strategies on.
   * @throws as decide().
   */
  async denoise(requests: readonly DenoiseSample[]): Promise<DenoiseResult[]> {
    const samples = this.#checks.samples(requests);
    return this.#run(async () => {
      const { windows } = await this.#encoder.encode(samples.map(({ frames }) => frames));
      return this.#denoiser.run(samples.map(({ run }, i) => ({ ...run, frames: windows[i] as Float32Array })));
    });
  }

  /**
   * How long every dispatch takes on the device, for the decision that `decide(window)` would make now; of a strategy of
   * several runs, for the first. Changes nothing in the episode. The device must have been opened with `timing`. Dispatches
   * run apart from each other, so their sum is not the time of a decision: measure that in another run.
   * @throws as decide(); DeviceLimitError where the device has no timestamps.
   */
  async timeDecision(window: Observation): Promise<PlanTiming> {
    const given = this.#checks.window('timeDecision', window, {});
    return this.#run(async () => {
      const { plan, input } = await this.#decider.prepare(nextTurn(this.#ownEpisode(), given));
      return plan.time(input);
    });
  }

  /**
   * Takes an observation as it arrives and encodes its images, so that decisions that read it find their features there; the result is the
   * observation to hand to `act`, `decide`, `decideAll` or a `ControlLoop`, of this policy. Its images are copies. It changes no episode, and without
   * images there is nothing to wait for.
   * @throws ObservationError, NonFiniteError, DeviceLostError, DisposedError.
   */
  async observe(observation: Observation): Promise<Observation> {
    const frame = this.#checks.observed(observation);
    await this.#run(() => this.#encoder.encode([[frame]]));
    return observationOf(this.#observations, frame);
  }

  /** Frames whose images were encoded since the policy was loaded: each frame is encoded once, whatever reads it. */
  get encodedFrames(): number {
    return this.#encoder.encoded;
  }

  /** Ends the episode: forgets observations, actions and chunks. Calls made before keep the old episode. */
  reset(): void {
    void this.#queue.run(() => {
      this.#own = undefined;
      this.#ownIndex++;
    });
  }

  /**
   * Changes how decisions are sampled, and ends the episode. Calls made before keep the old strategy. The first decision
   * of a strategy with more steps than any before makes larger buffers; `warmup()` does that ahead of time.
   * @throws OptionError.
   */
  useStrategy(options: StrategyOptions): void {
    const strategy = this.#createStrategy(options);
    this.reset();
    void this.#queue.run(() => {
      this.#strategy = strategy;
    });
  }

  /**
   * Compiles what decisions of this batch size need and runs it once, so that the first decision takes no longer than
   * the others: some drivers compile a kernel when it first runs. `loadPolicy` does this for a batch of 1.
   * @throws OptionError, DeviceLimitError, ShaderError, and the reason of `signal` when it is aborted.
   */
  async warmup(batch = 1, signal?: AbortSignal): Promise<void> {
    checkInteger('warmup', 'batch', batch, 1, MAX_BATCH);
    await this.#run(async () => {
      const plan = await this.#plans.get(batch, this.#strategy.schedules);
      signal?.throwIfAborted();
      await plan.rehearse();
      signal?.throwIfAborted();
      // At the first decision of an episode one frame stands for all; later ones may find none of theirs encoded.
      for (const frames of new Set([1, this.#context.observationSteps])) await this.#encoder.warmup(batch * frames);
    });
  }

  /** Waits for running calls and frees everything on the device. Later calls fail. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#queue.run(() => {
      this.#plans.destroy();
      this.#encoder.destroy();
      this.#parts.networks.destroy();
      this.#parts.onDispose?.();
    });
    return this.#disposal;
  }

  #run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#disposal) return Promise.reject(new DisposedError(`policy "${this.#parts.spec.name}" was disposed of; load it again.`));
    return this.#queue.run(task);
  }

  #createStrategy(options: StrategyOptions): Strategy {
    const strategy = createStrategy(options, this.#context);
    const missing = strategy.needs.find(({ network }) => !this.#parts.networks[network]);
    if (missing) {
      const { network, why, given } = missing;
      throw new OptionError(
        `strategy ${options.name} needs a ${network} ${why}, found none: give \`networks: { ${network} }\` when loading the policy, ` +
          `${given}.`,
      );
    }
    this.#plans.reserve(strategy.schedules);
    return strategy;
  }

  #newWindow(): FrameWindow {
    return new FrameWindow(this.#observations, this.#context.observationSteps);
  }

  /** The policy's own episode; a new one where none has begun. */
  #ownEpisode(): Episode {
    this.#own ??= new Episode(this.#strategy, { seed: this.#parts.seed, episode: this.#ownIndex, sample: 0 }, this.#newWindow());
    return this.#own;
  }

  async #decideOne(turn: Turn): Promise<Decision> {
    return (await this.#decider.decide([turn]))[0] as Decision;
  }
}
