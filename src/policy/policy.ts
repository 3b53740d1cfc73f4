import type { DenoiseSample } from '../decision/denoiser.js';
import type { EncodedWindow } from '../decision/frame-windows.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DisposedError, NonFiniteError } from '../foundation/errors.js';
import { checkCallbacks, checkInteger, checkKeys, checkSignal } from '../foundation/options.js';
import { type Observation, observationOf } from '../observations/frame.js';
import { FrameWindow } from '../observations/window.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import type { PlanTiming } from '../runtime/timing.js';
import type { GivenMethods } from '../spec/method-networks.js';
import { type ObservationInfo, observationInfo } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import { PREPARE_DEFAULTS, type PrepareOptions } from '../spec/prepare-options.js';
import type { CreateStrategy } from '../strategies/create.js';
import { type DenoiseResult, missingNetwork, type Strategy, type StrategyContext, strategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { Actor } from './actor.js';
import { checkPrepare } from './check-prepare.js';
import { Decider, nextTurn } from './decider.js';
import type { ActOptions, DecideOptions, DecideRequest, Decision, DecisionCost, EpisodeOptions } from './decision-result.js';
import { type EngineParts, PolicyEngine, type ReloadOptions } from './engine.js';
import type { Episode } from './episode.js';
import type { PolicyInfo } from './info.js';
import { checkDevice } from './placement.js';
import { Practice } from './practice.js';
import { SerialQueue } from './queue.js';
import { RequestChecks } from './request-checks.js';

export type { PrepareChoice, PrepareOptions } from '../spec/prepare-options.js';
export type {
  ActOptions,
  DecideOptions,
  DecideRequest,
  Decision,
  DecisionCost,
  EpisodeOptions,
  EpisodeRequest,
  StatelessRequest,
} from './decision-result.js';
export type { ReloadOptions } from './engine.js';

/** @internal */
export interface PolicyParts extends Omit<EngineParts, 'context'> {
  /** Networks of methods that it was loaded with. */
  readonly methods?: GivenMethods;
  /** Builds strategies: those that can be had with these networks. */
  readonly createStrategy: CreateStrategy;
  readonly precision: Precision;
  /** See `PolicyInfo`. */
  readonly fingerprint: string;
  readonly fileDtypes: readonly string[];
  readonly strategy: StrategyOptions;
  readonly seed: number;
  readonly warnings: readonly string[];
  readonly onDecision: ((result: Decision) => void) | undefined;
  /** Called last when the policy is disposed of. */
  readonly onDispose: (() => void) | undefined;
}

/** WebGPU's default for workgroups per dimension; a batch is one dimension. */
const MAX_BATCH = 65_535;

const NOTHING = Promise.resolve();

/**
 * A diffusion policy on a device. Calls may overlap; they are carried out one after the other, in order.
 * `loadPolicy` makes one.
 */
export class Policy {
  readonly #parts: Omit<PolicyParts, 'placement' | 'reopen'>;
  readonly #observations: readonly ObservationInfo[];
  readonly #context: StrategyContext;
  readonly #queue = new SerialQueue();
  readonly #engine: PolicyEngine;
  readonly #decider: Decider;
  readonly #checks: RequestChecks;
  readonly #actor: Actor;
  readonly #practice: Practice;
  /** What the actor's strategy was made of. */
  #strategyOptions: StrategyOptions;
  /** What `info` said last, and of what. */
  #described: { readonly strategy: Strategy; readonly version: number; readonly info: PolicyInfo } | undefined;
  #disposal: Promise<void> | undefined;

  private constructor({ placement, reopen, ...parts }: PolicyParts) {
    this.#parts = parts;
    this.#observations = observationInfo(parts.spec.observations);
    this.#context = strategyContext(parts.spec, parts.methods);
    const { spec, onDeviceLost, onReload, probes } = parts;
    this.#engine = new PolicyEngine({ spec, context: this.#context, placement, reopen, onDeviceLost, onReload, probes });
    this.#decider = new Decider(this.#engine.denoiser, this.#engine.encoder, this.#context, parts.onDecision);
    this.#checks = new RequestChecks({
      name: parts.spec.name,
      observations: this.#observations,
      context: this.#context,
      seed: parts.seed,
      latentDim: this.#engine.denoiser.latents?.latentDim ?? 0,
      checkPictures: placement.networks.images?.checkPictures,
      hasBegun: (episode) => this.#actor.hasBegun(episode),
    });
    const actor = {
      checks: this.#checks,
      decider: this.#decider,
      context: this.#context,
      seed: parts.seed,
      newWindow: () => new FrameWindow(this.#observations, this.#context.observationSteps),
      run: <T>(task: () => T | Promise<T>): Promise<T> => this.#run(task),
    };
    this.#actor = new Actor(actor, this.#createStrategy(parts.strategy));
    this.#practice = new Practice({
      decider: this.#engine.practised,
      limit: this.#engine.practiceLimit,
      checks: this.#checks,
      observations: this.#observations,
      observationSteps: this.#context.observationSteps,
      isAwaited: () => this.#queue.isAwaited,
    });
    this.#strategyOptions = structuredClone(parts.strategy);
  }

  /** For `loadPolicy`. @internal */
  static of(parts: PolicyParts): Policy {
    return new Policy(parts);
  }

  /** Names, sizes, strategy, adapter, memory, and the checkpoint's warnings; the same object for as long as none of them changes. */
  get info(): PolicyInfo {
    const { strategy } = this.#actor;
    const { version } = this.#engine;
    if (this.#described?.strategy !== strategy || this.#described.version !== version) {
      this.#described = { strategy, version, info: this.#describe(strategy) };
    }
    return this.#described.info;
  }

  #describe(strategy: Strategy): PolicyInfo {
    const { precision, fileDtypes, warnings, seed, fingerprint } = this.#parts;
    const { description, actionSteps, horizon } = strategy;
    return Object.freeze({
      ...this.#engine.described,
      actionSteps,
      // Chunks of their own lengths are buffers that go on being denoised.
      decidesAhead: horizon === undefined,
      precision,
      fileDtypes,
      warnings,
      strategy: description,
      strategyOptions: this.#strategyOptions,
      seed,
      fingerprint,
      dispatches: this.#engine.dispatches(strategy),
    });
  }

  /**
   * One control tick: takes the newest observation, returns the next action, f32 [actionDim], in the units of the
   * robot. Every `actionSteps` ticks this makes a decision. After a reset the first observation also stands for the
   * frames before it. (LeRobot's `select_action`.) What is left of a chunk is handed out after the device was lost as well: it
   * was decided, and checked, before. The first tick that needs a decision fails then, or reloads.
   * @throws ObservationError, NonFiniteError, DeviceLostError, DisposedError; the episode is then as it was before, so
   * that the tick can be tried again.
   */
  act(observation: Observation, options?: ActOptions): Promise<Float32Array> {
    return this.#actor.act(observation, options);
  }

  /**
   * One decision over a window of `observationSteps` frames, oldest first: values by name, flattened
   * [observationSteps][size].
   * @throws ObservationError, OptionError, NonFiniteError, DeviceLostError.
   */
  decide(window: Observation, options?: DecideOptions): Promise<Decision> {
    return this.#actor.decide(window, options);
  }

  /** Begins an episode of its own, beside the policy's: for fleets, and for strategies side by side. @throws OptionError, DisposedError. */
  beginEpisode(options: EpisodeOptions = {}): Episode {
    this.#assertUsable();
    return this.#actor.beginEpisode(options, (asked) => this.#createStrategy(asked));
  }

  /**
   * Many decisions together, of episodes and stateless ones: what their strategies ask of the network runs as one batch
   * where the timesteps allow. A decision's bits do not depend on the others. All or none: see `decideAllSettled` for a fleet.
   * @throws as decide(), naming the request; then no episode has changed.
   */
  decideAll(requests: readonly DecideRequest[]): Promise<Decision[]> {
    return this.#actor.decideAll(requests);
  }

  /**
   * As `decideAll`, each for itself, as `Promise.allSettled`: a request with an observation that is refused, or whose network
   * is not finite, is `rejected` with the reason and leaves its episode as it was; the others are decided, with the same bits.
   * Results are in the order of the requests.
   * @throws DeviceLostError, DisposedError, and OptionError where an episode is there twice; then no episode has changed.
   */
  decideAllSettled(requests: readonly DecideRequest[]): Promise<PromiseSettledResult<Decision>[]> {
    return this.#actor.decideAllSettled(requests);
  }

  /**
   * Runs samples through chosen steps of a solver, outside of any episode: for analysis, and to build strategies on.
   * @throws as decide(), naming the sample.
   */
  async denoise(requests: readonly DenoiseSample[]): Promise<DenoiseResult[]> {
    const samples = this.#checks.samples(requests);
    return this.#run(async () => {
      const { windows } = await this.#engine.encoder.encode(samples.map(({ frames }) => frames));
      const results = await this.#engine.denoiser.run(samples.map(({ run }, i) => ({ ...run, ...(windows[i] as EncodedWindow) })));
      return results.map((one, place) => {
        if (one instanceof NonFiniteError) throw new NonFiniteError(`denoise: requests[${place}]: ${one.message}`, { cause: one });
        return one;
      });
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
      const { plan, input } = await this.#engine.denoiser.prepare(await this.#decider.firstRuns(nextTurn(this.#actor.own, given)));
      return plan.time(input);
    });
  }

  /**
   * What a usual decision costs, by its plan, which is compiled where it is missing; no decision is made. Image encoders are left out.
   * `strategy`: default the policy's.
   * @throws OptionError, DeviceLimitError, ShaderError, DeviceLostError, DisposedError.
   */
  async decisionCost(strategy?: StrategyOptions): Promise<DecisionCost> {
    this.#assertUsable();
    const made = strategy === undefined ? undefined : this.#createStrategy(strategy);
    return this.#run(() => this.#engine.cost(made ?? this.#actor.strategy));
  }

  /**
   * Takes an observation as it arrives and encodes its images, so that decisions that read it find their features there; the result is the
   * observation to hand to `act`, `decide`, `decideAll` or a `ControlLoop`, of this policy. Its images are copies. It changes no episode, and without
   * images there is nothing to wait for.
   * @throws ObservationError, NonFiniteError, DeviceLostError, DisposedError.
   */
  async observe(observation: Observation): Promise<Observation> {
    const frame = this.#checks.observed(observation);
    await this.#run(() => this.#engine.encoder.encode([[frame]]));
    return observationOf(this.#observations, frame);
  }

  /**
   * Readies the next decision of the policy's own episode, where there is time before it: three milliseconds before a tick, or while the sensors of
   * one are read. It is made on zeros, so that the code and the memory that it takes are in the processor's caches, and the device is awake: where
   * decisions are milliseconds apart it takes half as long. Where decisions like it took the device 1.5 ms at most it makes this one too; a decision that
   * comes too early waits for that. Else, and with `on: 'host'`, it is made up to the device and from there on, and the commands are encoded. Changes no
   * result, and nothing depends on it: a decision whose images were not encoded by `observe` encodes them as it would anyway. Does nothing while calls
   * are under way, where the next `act()` makes no decision, and mostly where it took the host more than two milliseconds before, or a decision had to
   * wait. Nobody needs to wait for its end, of which the promise tells, and which is never a failure. A `ControlLoop` calls it.
   * @throws OptionError, DisposedError, at once.
   */
  prepare(options: PrepareOptions = PREPARE_DEFAULTS): Promise<void> {
    this.#assertUsable();
    checkPrepare(options);
    return this.#queue.isIdle ? this.#queue.run(() => this.#practice.run(this.#actor.own, options)) : NOTHING;
  }

  /** Frames whose images were encoded since the policy was loaded: each frame is encoded once, whatever reads it. */
  get encodedFrames(): number {
    return this.#engine.encoder.encoded;
  }

  /** Ends the episode: forgets observations, actions and chunks. Calls made before keep the old episode. @throws DisposedError. */
  reset(): void {
    this.#assertUsable();
    void this.#queue.run(() => this.#actor.reset());
  }

  /**
   * Changes how decisions are sampled, and ends the episode. Calls made before keep the old strategy. The first decision
   * of a strategy with more steps than any before makes larger buffers; `warmup()` does that ahead of time.
   * @throws OptionError, DisposedError.
   */
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

  /**
   * Compiles what decisions of this batch size need and tries it on zeros, so that the first decision takes no longer than
   * the others: some drivers compile a kernel when it first runs. `loadPolicy` does this for a batch of 1. `onKernel` is told of
   * every kernel that has run.
   * @throws OptionError, DeviceLimitError, ShaderError, and the reason of `signal` when it is aborted.
   */
  async warmup(batch = 1, signal?: AbortSignalLike, onKernel?: (progress: KernelProgress) => void): Promise<void> {
    checkInteger('warmup', 'batch', batch, 1, MAX_BATCH);
    checkSignal('warmup', signal);
    checkCallbacks('warmup', { onKernel }, ['onKernel']);
    await this.#run(async () => {
      await this.#engine.rehearse(this.#actor.strategy, batch, signal, onKernel);
    });
  }

  /**
   * After the device was lost: opens one, reads the files again, brings the weights there and compiles. Everything of the
   * past is on the host, so episodes, noise and what act() still holds stay as they are, and on an adapter of the same kind
   * decisions have the bits that they would have had. Calls made meanwhile wait. Also moves a policy to another device.
   * Where it fails the policy stays as it was, and it can be tried again.
   * @throws as loadPolicy; CheckpointError where the files are not those that were loaded.
   */
  async reload(options: ReloadOptions = {}): Promise<void> {
    checkKeys('reload', options, ['device', 'signal', 'onProgress']);
    checkDevice('reload', options.device);
    checkSignal('reload', options.signal);
    checkCallbacks('reload', options, ['onProgress']);
    await this.#whileLoaded(() => this.#engine.reload(options, this.#actor.strategy));
  }

  /** Waits for running calls and frees everything on the device. Later calls fail. */
  dispose(): Promise<void> {
    if (this.#disposal) return this.#disposal;
    // Whatever `onDispose` calls finds the policy disposed of already.
    let done: () => void = () => {};
    let failed: (error: unknown) => void = () => {};
    this.#disposal = new Promise<void>((resolve, reject) => {
      done = resolve;
      failed = reject;
    });
    this.#queue
      .run(() => {
        this.#engine.destroy();
        this.#parts.onDispose?.();
      })
      .then(done, failed);
    return this.#disposal;
  }

  /** In its turn, and again after the policy has reloaded by itself. */
  #run<T>(task: () => T | Promise<T>): Promise<T> {
    return this.#whileLoaded(this.#engine.recovers ? () => this.#engine.recovering(() => this.#actor.strategy, task) : task);
  }

  #whileLoaded<T>(task: () => T | Promise<T>): Promise<T> {
    this.#assertUsable();
    return this.#queue.run(task);
  }

  #assertUsable(): void {
    if (this.#disposal) throw new DisposedError(`policy "${this.#parts.spec.name}" was disposed of; load it again.`);
  }

  #createStrategy(options: StrategyOptions): Strategy {
    const strategy = this.#parts.createStrategy(options, this.#context);
    const missing = strategy.needs.find((need) => !this.#engine.has(need));
    if (missing) throw missingNetwork(options.name, missing, this.#engine.predictor);
    this.#engine.reserve(strategy);
    return strategy;
  }
}
