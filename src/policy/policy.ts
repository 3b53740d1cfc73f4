import type { PolicyCheckpoint } from '../checkpoints/types.js';
import { Denoiser, type DenoiseSample, givenRun } from '../decision/denoiser.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { copyGivenNoise } from '../decision/noise.js';
import { PlanCache } from '../decision/plan-cache.js';
import { DisposedError, OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys } from '../foundation/options.js';
import { countFrames, gatherFrames, type Observation } from '../observations/check.js';
import type { PlanTiming } from '../runtime/timing.js';
import type { Precision } from '../spec/precision.js';
import { concatenate, splitChunks } from '../strategies/chunks.js';
import { createStrategy } from '../strategies/index.js';
import type { DenoiseResult, PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { Decider, type Sample } from './decider.js';
import type { ActOptions, DecideRequest, EpisodeOptions, PlanOptions, PlanResult } from './decision-result.js';
import { Episode } from './episode.js';
import { describePolicy, type PolicyInfo } from './info.js';
import { SerialQueue } from './queue.js';

export type { ActOptions, DecideRequest, EpisodeOptions, PlanOptions, PlanResult } from './decision-result.js';

export interface PolicyParts {
  readonly checkpoint: PolicyCheckpoint;
  readonly networks: PolicyNetworks;
  readonly precision: Precision;
  readonly fileDtypes: readonly string[];
  readonly strategy: StrategyOptions;
  readonly seed: number;
  readonly warnings: readonly string[];
  readonly taps: readonly string[];
  readonly onDecision: ((result: PlanResult) => void) | undefined;
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
  readonly #context: StrategyContext;
  readonly #queue = new SerialQueue();
  readonly #plans: PlanCache;
  readonly #denoiser: Denoiser;
  readonly #decider: Decider;
  #strategy: Strategy;
  /** The policy's own episode, one per sample of its batch; empty before its first decision. */
  #own: readonly Episode[] = [];
  /** Number of that episode, part of the key of its noise. */
  #ownIndex = 0;
  /** Episodes beside it. */
  readonly #begun = new WeakSet<Episode>();
  #disposal: Promise<void> | undefined;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#plans = new PlanCache(parts.networks, parts.checkpoint, parts.taps);
    this.#denoiser = new Denoiser(this.#plans);
    const { scheduler, unet, observationSteps, actionSteps } = parts.checkpoint;
    this.#context = { scheduler, horizon: unet.horizon, actionDim: unet.actionDim, observationSteps, actionSteps };
    this.#decider = new Decider(this.#denoiser, this.#context, parts.onDecision);
    this.#strategy = this.#createStrategy(parts.strategy);
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
    const frame = gatherFrames(this.#parts.checkpoint.observations, observation, 1);
    const given = copyGivenNoise(options);
    if (options.episode) this.#checkBegun('act', options.episode);
    return this.#run(async () => {
      const { observationSteps, actionDim } = this.#context;
      const [own] = options.episode ? [] : this.#ownEpisodes(1);
      const episode = options.episode ?? (own as Episode);
      const frames = [...episode.frames, frame].slice(-observationSteps);
      while (frames.length < observationSteps) frames.unshift(frame);
      if (episode.actions.length === 0) {
        const { actions } = await this.#decider.continueTogether([episode], this.#decider.splitSamples(concatenate(frames), 1, given));
        for (let row = 0; row < actions.length; row += actionDim) episode.actions.push(actions.slice(row, row + actionDim));
        if (!options.episode) this.#own = [episode];
      }
      episode.frames = frames;
      return episode.actions.shift() as Float32Array;
    });
  }

  /**
   * One decision over a window of `observationSteps` frames, oldest first: values by name, flattened
   * [b][observationSteps][size]. The batch follows from their length.
   * @throws ObservationError, OptionError, NonFiniteError, DeviceLostError.
   */
  async plan(window: Observation, options: PlanOptions = {}): Promise<PlanResult> {
    checkKeys('plan', options, ['noise', 'stepNoise', 'previous', 'seed']);
    const { frames, batch } = this.#gatherWindow(window);
    const given = copyGivenNoise(options);
    const { previous, seed = this.#parts.seed } = options;
    if (previous === undefined) {
      return this.#run(async () => {
        const episodes = this.#ownEpisodes(batch);
        const result = await this.#decider.continueTogether(episodes, this.#decider.splitSamples(frames, batch, given), seed);
        this.#own = episodes;
        // What act() still held was decided from older observations.
        for (const { actions } of episodes) actions.length = 0;
        return result;
      });
    }
    if (previous.length > 2) throw new OptionError(`plan: \`previous\` takes the two newest results at most, found ${previous.length}.`);
    const [newest, before] = previous.map((past) => this.#splitPrevious(past, batch));
    return this.#run(() => {
      const strategy = this.#strategy;
      if (!strategy.needsOnlyChunks) {
        throw new OptionError(`plan: ${strategy.description} remembers more than chunks: use beginEpisode() in place of \`previous\`.`);
      }
      return this.#decider.decideOnce(strategy, this.#decider.splitSamples(frames, batch, given), { newest, before }, seed);
    });
  }

  /** Begins an episode of its own, beside the policy's: for fleets, and for strategies side by side. @throws OptionError. */
  beginEpisode(options: EpisodeOptions = {}): Episode {
    checkKeys('beginEpisode', options, ['strategy', 'seed']);
    const strategy = options.strategy ? this.#createStrategy(options.strategy) : this.#strategy;
    const seed = checkInteger('beginEpisode', 'seed', options.seed ?? this.#parts.seed, 0, Number.MAX_SAFE_INTEGER);
    const episode = new Episode(strategy, { seed, episode: 0, sample: 0 });
    this.#begun.add(episode);
    return episode;
  }

  /**
   * The next decisions of many episodes, together: what their strategies ask of the network runs as one batch where the
   * timesteps allow. A decision's bits do not depend on the others.
   * @throws as plan(); then no episode has changed.
   */
  async decide(requests: readonly DecideRequest[]): Promise<PlanResult[]> {
    const { observations } = this.#parts.checkpoint;
    const episodes = requests.map(({ episode }) => episode);
    if (new Set(episodes).size < episodes.length) {
      throw new OptionError('decide: an episode is there twice: its second decision needs the first one.');
    }
    const samples = requests.map(({ episode, window, ...noise }) => {
      this.#checkBegun('decide', episode);
      checkKeys('decide', noise, ['noise', 'stepNoise']);
      const frames = gatherFrames(observations, window, this.#context.observationSteps);
      return this.#decider.splitSamples(frames, 1, copyGivenNoise(noise))[0] as Sample;
    });
    return this.#run(() => this.#decider.continueEach(episodes, samples));
  }

  /**
   * Runs samples through chosen steps of a solver, outside of any episode: for analysis, and to build strategies on.
   * @throws as plan().
   */
  async denoise(requests: readonly DenoiseSample[]): Promise<DenoiseResult[]> {
    const { observations } = this.#parts.checkpoint;
    const runs = requests.map(({ window, ...request }) =>
      givenRun(request, gatherFrames(observations, window, this.#context.observationSteps), this.#context),
    );
    return this.#run(() => this.#denoiser.run(runs));
  }

  /**
   * How long every dispatch takes on the device, for the decision that `plan(window)` would make now; of a strategy of
   * several runs, for the first. Changes nothing in the episode. The device must have been opened with `timing`. Dispatches
   * run apart from each other, so their sum is not the time of a decision: measure that in another run.
   * @throws as plan(); DeviceLimitError where the device has no timestamps.
   */
  async timeDecision(window: Observation): Promise<PlanTiming> {
    const { frames, batch } = this.#gatherWindow(window);
    return this.#run(async () => {
      const samples = this.#decider.splitSamples(frames, batch, {});
      const { plan, input } = await this.#decider.prepareNext(this.#ownEpisodes(batch), samples);
      return plan.time(input);
    });
  }

  /** Ends the episode: forgets observations, actions and chunks. Calls made before keep the old episode. */
  reset(): void {
    void this.#queue.run(() => {
      this.#own = [];
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

  #run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#disposal) return Promise.reject(new DisposedError(`policy "${this.#parts.checkpoint.name}" was disposed of; load it again.`));
    return this.#queue.run(task);
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

  #gatherWindow(window: Observation): { readonly frames: Float32Array; readonly batch: number } {
    const { observations } = this.#parts.checkpoint;
    const { observationSteps } = this.#context;
    const batch = Math.max(1, Math.floor(countFrames(observations, window) / observationSteps));
    return { frames: gatherFrames(observations, window, batch * observationSteps), batch };
  }

  /** The episodes of the policy's own batch, or new ones where none has begun. */
  #ownEpisodes(batch: number): readonly Episode[] {
    if (this.#own.length === 0) {
      const noise = { seed: this.#parts.seed, episode: this.#ownIndex };
      return Array.from({ length: batch }, (_, sample) => new Episode(this.#strategy, { ...noise, sample }));
    }
    if (this.#own.length !== batch) {
      throw new OptionError(
        `the running episode has a batch of ${this.#own.length}, this is one of ${batch}: reset() first, or give \`previous\`.`,
      );
    }
    return this.#own;
  }

  #splitPrevious(past: PastChunk, batch: number): PastChunk[] {
    const expected = batch * this.#context.horizon * this.#context.actionDim;
    for (const values of [past.normalizedChunk, past.chunk]) {
      if (values.length !== expected || !values.every(Number.isFinite)) {
        throw new OptionError(
          `plan: \`previous\` must hold chunks of ${expected} finite values (batch × horizon × action size), found ${values.length}.`,
        );
      }
    }
    return splitChunks(past, batch);
  }
}
