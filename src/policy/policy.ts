import type { PolicyCheckpoint } from '../checkpoints/types.js';
import { Denoiser, type DenoiseSample, givenRun } from '../decision/denoiser.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { checkedNoise, type GivenNoise } from '../decision/noise.js';
import { PlanCache } from '../decision/plan-cache.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DisposedError, OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkInteger, checkKeys, checkList, checkObject, checkSignal, copyNumbers } from '../foundation/options.js';
import { checkFrame, checkWindow, type Observation } from '../observations/check.js';
import { FrameWindow } from '../observations/window.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import type { PlanTiming } from '../runtime/timing.js';
import { type ObservationInfo, observationInfo } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import { createStrategy } from '../strategies/index.js';
import type { DenoiseResult, PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { Decider, type Given, nextTurn, statelessTurn, type Turn } from './decider.js';
import type { ActOptions, DecideOptions, DecideRequest, Decision, EpisodeOptions, StatelessRequest } from './decision-result.js';
import { Episode } from './episode.js';
import { describePolicy, type PolicyInfo } from './info.js';
import { SerialQueue } from './queue.js';

export type {
  ActOptions,
  DecideOptions,
  DecideRequest,
  Decision,
  EpisodeOptions,
  EpisodeRequest,
  StatelessRequest,
} from './decision-result.js';

/** @internal */
export interface PolicyParts {
  readonly checkpoint: PolicyCheckpoint;
  readonly networks: PolicyNetworks;
  readonly precision: Precision;
  readonly fileDtypes: readonly string[];
  readonly strategy: StrategyOptions;
  readonly seed: number;
  readonly warnings: readonly string[];
  readonly taps: readonly string[];
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
  readonly #decider: Decider;
  #strategy: Strategy;
  #own: Episode | undefined;
  /** Number of that episode, part of the key of its noise. */
  #ownIndex = 0;
  /** Episodes beside it. */
  readonly #begun = new WeakSet<Episode>();
  #disposal: Promise<void> | undefined;

  private constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#observations = observationInfo(parts.checkpoint.observations);
    this.#plans = new PlanCache(parts.networks, parts.checkpoint, parts.taps);
    this.#denoiser = new Denoiser(this.#plans);
    const { scheduler, unet, observationSteps, actionSteps } = parts.checkpoint;
    this.#context = { scheduler, horizon: unet.horizon, actionDim: unet.actionDim, observationSteps, actionSteps };
    this.#decider = new Decider(this.#denoiser, this.#context, parts.onDecision);
    this.#strategy = this.#createStrategy(parts.strategy);
  }

  /** For `loadPolicy`. @internal */
  static of(parts: PolicyParts): Policy {
    return new Policy(parts);
  }

  /** Names, sizes, strategy, adapter, memory, and the checkpoint's warnings. */
  get info(): PolicyInfo {
    const { checkpoint, networks, precision, fileDtypes, warnings } = this.#parts;
    const { usual, needs, description, actionSteps } = this.#strategy;
    return {
      ...describePolicy(checkpoint, networks),
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
    checkKeys('act', options, ['noise', 'stepNoise', 'episode']);
    const frame = checkFrame(this.#observations, observation, 'act');
    const given = checkedNoise(options, this.#chunkSize);
    if (options.episode !== undefined) this.#checkBegun('act', options.episode);
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
    if (seed !== undefined) checkInteger('decide', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
    if (previous !== undefined) {
      const turn = this.#stateless('decide', { ...options, window, previous }, 0);
      return this.#run(() => this.#decideOne(turn()));
    }
    const given = this.#given('decide', window, options);
    return this.#run(async () => {
      const episode = this.#ownEpisode();
      const decision = await this.#decideOne(nextTurn(episode, given, seed));
      // What act() still held was decided from older observations.
      episode.actions.length = 0;
      return decision;
    });
  }

  /** Begins an episode of its own, beside the policy's: for fleets, and for strategies side by side. @throws OptionError, DisposedError. */
  beginEpisode(options: EpisodeOptions = {}): Episode {
    this.#assertUsable();
    checkKeys('beginEpisode', options, ['strategy', 'seed']);
    const strategy = options.strategy === undefined ? this.#strategy : this.#createStrategy(options.strategy);
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
    checkList('decideAll', 'requests', requests, (request) => checkObject('decideAll', 'a request', request));
    const episodes = requests.flatMap((request) => ('episode' in request ? [request.episode] : []));
    if (new Set(episodes).size < episodes.length) {
      throw new OptionError('decideAll: an episode is there twice: its second decision needs the first one.');
    }
    const turns = requests.map((request, place) => this.#turnOf(request, place));
    return this.#run(() => this.#decider.decide(turns.map((turn) => turn())));
  }

  /**
   * Runs samples through chosen steps of a solver, outside of any episode: for analysis, and to build strategies on.
   * @throws as decide().
   */
  async denoise(requests: readonly DenoiseSample[]): Promise<DenoiseResult[]> {
    checkList('denoise', 'requests', requests, (request) => checkObject('denoise', 'a request', request));
    const runs = requests.map(({ window, ...request }) =>
      givenRun(request, checkWindow(this.#observations, window, this.#context.observationSteps, 'denoise'), this.#context),
    );
    return this.#run(() => this.#denoiser.run(runs));
  }

  /**
   * How long every dispatch takes on the device, for the decision that `decide(window)` would make now; of a strategy of
   * several runs, for the first. Changes nothing in the episode. The device must have been opened with `timing`. Dispatches
   * run apart from each other, so their sum is not the time of a decision: measure that in another run.
   * @throws as decide(); DeviceLimitError where the device has no timestamps.
   */
  async timeDecision(window: Observation): Promise<PlanTiming> {
    const given = this.#given('timeDecision', window, {});
    return this.#run(async () => {
      const { plan, input } = await this.#decider.prepare(nextTurn(this.#ownEpisode(), given));
      return plan.time(input);
    });
  }

  /** Ends the episode: forgets observations, actions and chunks. Calls made before keep the old episode. @throws DisposedError. */
  reset(): void {
    this.#assertUsable();
    void this.#queue.run(() => {
      this.#own = undefined;
      this.#ownIndex++;
    });
  }

  /**
   * Changes how decisions are sampled, and ends the episode. Calls made before keep the old strategy. The first decision
   * of a strategy with more steps than any before makes larger buffers; `warmup()` does that ahead of time.
   * @throws OptionError, DisposedError.
   */
  useStrategy(options: StrategyOptions): void {
    this.#assertUsable();
    const strategy = this.#createStrategy(options);
    this.reset();
    void this.#queue.run(() => {
      this.#strategy = strategy;
    });
  }

  /**
   * Compiles what decisions of this batch size need and runs it once, so that the first decision takes no longer than
   * the others: some drivers compile a kernel when it first runs. `loadPolicy` does this for a batch of 1. `onKernel` is told of
   * every kernel that has run.
   * @throws OptionError, DeviceLimitError, ShaderError, and the reason of `signal` when it is aborted.
   */
  async warmup(batch = 1, signal?: AbortSignalLike, onKernel?: (progress: KernelProgress) => void): Promise<void> {
    checkInteger('warmup', 'batch', batch, 1, MAX_BATCH);
    checkSignal('warmup', signal);
    checkCallbacks('warmup', { onKernel }, ['onKernel']);
    await this.#run(async () => {
      const plan = await this.#plans.get(batch, this.#strategy.schedules);
      signal?.throwIfAborted();
      await plan.rehearse(onKernel);
    });
  }

  /** Waits for running calls and frees everything on the device. Later calls fail. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#queue.run(() => {
      this.#plans.destroy();
      this.#parts.networks.destroy();
      this.#parts.onDispose?.();
    });
    return this.#disposal;
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#assertUsable();
    return this.#queue.run(task);
  }

  #assertUsable(): void {
    if (this.#disposal) throw new DisposedError(`policy "${this.#parts.checkpoint.name}" was disposed of; load it again.`);
  }

  #createStrategy(options: StrategyOptions): Strategy {
    const strategy = createStrategy(options, this.#context);
    const missing = strategy.needs.find(({ network }) => !this.#parts.networks[network]);
    if (missing) {
      const { network, why } = missing;
      throw new OptionError(
        `strategy ${options.name} needs a ${network} ${why}, found none: give \`networks: { ${network} }\` when loading the policy, ` +
          "a folder or 'shift'.",
      );
    }
    this.#plans.reserve(strategy.schedules);
    return strategy;
  }

  /** Timesteps and chunks of another policy may well fit this one: the actions would be wrong, and nothing would say so. */
  #checkBegun(where: string, episode: Episode): void {
    if (this.#begun.has(episode)) return;
    const { name } = this.#parts.checkpoint;
    throw new OptionError(
      `${where}: the episode must be one that beginEpisode() of this policy, "${name}", returned; this is none of them.`,
    );
  }

  get #chunkSize(): number {
    return this.#context.horizon * this.#context.actionDim;
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

  #given(where: string, window: Observation, noise: GivenNoise): Given {
    const frames = checkWindow(this.#observations, window, this.#context.observationSteps, where);
    return { frames, given: checkedNoise(noise, this.#chunkSize) };
  }

  /** Checks a request at once; what it continues is looked up when its turn comes. */
  #turnOf(request: DecideRequest, place: number): () => Turn {
    if (!('episode' in request)) {
      const { window: _, ...options } = request;
      checkKeys('decideAll', options, ['noise', 'stepNoise', 'previous', 'seed']);
      return this.#stateless('decideAll', request, place);
    }
    const { episode, window, ...noise } = request;
    this.#checkBegun('decideAll', episode);
    checkKeys('decideAll', noise, ['noise', 'stepNoise']);
    const given = this.#given('decideAll', window, noise);
    return () => nextTurn(episode, given);
  }

  #stateless(where: string, request: StatelessRequest, place: number): () => Turn {
    const { window, previous, seed = this.#parts.seed } = request;
    const given = this.#given(where, window, request);
    checkInteger(where, 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
    const past: PastChunk[] = [];
    if (Array.isArray(previous) && previous.length > 2) {
      throw new OptionError(`${where}: \`previous\` takes the two newest results at most, found ${previous.length}.`);
    }
    checkList(where, '`previous`', previous, (chunks) => past.push(checkedPast(where, chunks, this.#chunkSize)));
    return () => {
      const strategy = this.#strategy;
      if (!strategy.needsOnlyChunks) {
        throw new OptionError(`${where}: ${strategy.description} remembers more than chunks: use beginEpisode() in place of \`previous\`.`);
      }
      return statelessTurn(strategy, given, past, seed, place);
    };
  }
}

/** A copy of chunks that a caller kept. @throws OptionError where they are of another size, or not finite. */
function checkedPast(where: string, kept: PastChunk, elements: number): PastChunk {
  const { normalizedChunk, chunk } = checkObject(where, 'a result in `previous`', kept) as PastChunk;
  const copy = (values: ArrayLike<number>): Float32Array =>
    Float32Array.from(
      copyNumbers(values, elements, (found, index) => {
        const wanted = `chunks of ${elements} finite values (horizon × action size)`;
        const at = index === undefined ? '' : ` at index ${index}`;
        return new OptionError(`${where}: \`previous\` must hold ${wanted}, found ${found}${at}.`);
      }),
    );
  return { normalizedChunk: copy(normalizedChunk), chunk: copy(chunk) };
}
