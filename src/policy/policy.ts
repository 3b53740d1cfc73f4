import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { DisposedError, ObservationError, OptionError } from '../errors.js';
import type { Precision } from '../ops/weight-source.js';
import { checkInteger, checkKeys } from '../options.js';
import type { PlanTiming } from '../runtime/timing.js';
import { concatenate, sliceSamples, splitChunks } from './chunks.js';
import { createStrategy } from './create-strategy.js';
import type { DecisionInput } from './decision.js';
import type { DecisionPlan } from './decision-plan.js';
import { Episode } from './episode.js';
import { copyGivenNoise, decisionNoise, type GivenNoise, type NoiseSeed } from './noise.js';
import { countFrames, gatherFrames, type Observation } from './observations.js';
import { PlanCache } from './plan-cache.js';
import type { ActOptions, PlanOptions, PlanResult } from './plan-result.js';
import type { PolicyNetworks } from './policy-networks.js';
import { describePolicy, type PolicyInfo } from './policy-info.js';
import { SerialQueue } from './serial-queue.js';
import type { DecisionStart, PastChunk, Strategy, StrategyContext, StrategyOptions } from './strategy.js';

export type { ActOptions, PlanOptions, PlanResult } from './plan-result.js';

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

/** What one decision depends on, before it is turned into values for the device. */
interface DecisionRequest {
  /** f32 [b][observationSteps][frameWidth]. */
  readonly frames: Float32Array;
  readonly batch: number;
  readonly starts: readonly DecisionStart[];
  /** Newest chunk of every sample, where there is one. */
  readonly newest: readonly PastChunk[] | undefined;
  readonly key: NoiseSeed;
  readonly given: GivenNoise;
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
  #strategy: Strategy;
  #episode = new Episode(0);
  #disposal: Promise<void> | undefined;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
    this.#plans = new PlanCache(parts.networks, parts.checkpoint, parts.taps);
    const { scheduler, unet, observationSteps, actionSteps } = parts.checkpoint;
    this.#context = { scheduler, actionDim: unet.actionDim, observationSteps, actionSteps };
    this.#strategy = this.#createStrategy(parts.strategy);
  }

  /** Names, sizes, strategy, adapter, memory, and the checkpoint's warnings. */
  get info(): PolicyInfo {
    const { checkpoint, networks, precision, fileDtypes, warnings } = this.#parts;
    const [warm] = this.#strategy.schedules;
    return {
      ...describePolicy(checkpoint, networks),
      precision,
      fileDtypes,
      warnings,
      strategy: this.#strategy.description,
      dispatches: this.#plans.peek(1)?.dispatchCount(warm?.steps.length ?? 0, this.#strategy.needsPredictor),
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
    checkKeys('act', options, ['noise', 'stepNoise']);
    const frame = gatherFrames(this.#parts.checkpoint.observations, observation, 1);
    const given = copyGivenNoise(options);
    return this.#run(async () => {
      const episode = this.#episode;
      const { observationSteps, actionDim } = this.#context;
      if (episode.batch > 1) throw new OptionError(`act: the running episode has a batch of ${episode.batch}; reset() before act().`);
      const frames = [...episode.frames, frame].slice(-observationSteps);
      while (frames.length < observationSteps) frames.unshift(frame);
      if (episode.actions.length === 0) {
        const { actions } = await this.#decideInEpisode(concatenate(frames), 1, given);
        for (let row = 0; row < actions.length; row += actionDim) episode.actions.push(actions.slice(row, row + actionDim));
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
    if (previous === undefined) return this.#run(() => this.#decideInEpisode(frames, batch, given, seed));
    if (previous.length > 2) throw new OptionError(`plan: \`previous\` takes the two newest results at most, got ${previous.length}.`);
    const [newest, before] = previous.map((past) => this.#splitPrevious(past, batch));
    return this.#run(() => {
      const starts = Array.from({ length: batch }, (_, b) => this.#strategy.start(newest?.[b], before?.[b]));
      return this.#decide({ frames, batch, starts, newest, key: { seed, episode: 0, decision: 0 }, given });
    });
  }

  /**
   * How long every dispatch takes on the device, for the decision that `plan(window)` would make now. Changes nothing in
   * the episode. The device must have been opened with `timing`. Dispatches run apart from each other, so their sum is not
   * the time of a decision: measure that in another run.
   * @throws as plan(); DeviceLimitError where the device has no timestamps.
   */
  async timeDecision(window: Observation): Promise<PlanTiming> {
    const { frames, batch } = this.#gatherWindow(window);
    return this.#run(async () => {
      const { plan, input } = await this.#prepare(this.#nextRequest(frames, batch, {}, this.#parts.seed));
      return plan.time(input);
    });
  }

  /** Ends the episode: forgets observations, actions and chunks. Calls made before keep the old episode. */
  reset(): void {
    void this.#queue.run(() => {
      this.#episode = new Episode(this.#episode.index + 1);
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
    if (strategy.needsPredictor && !this.#parts.networks.predictor) {
      throw new OptionError(`strategy ${options.name} needs a predictor: give \`predictor\` when loading the policy, a predictor folder or 'shift'.`);
    }
    return strategy;
  }

  #gatherWindow(window: Observation): { readonly frames: Float32Array; readonly batch: number } {
    const { observations } = this.#parts.checkpoint;
    const { observationSteps } = this.#context;
    const batch = Math.max(1, Math.floor(countFrames(observations, window) / observationSteps));
    return { frames: gatherFrames(observations, window, batch * observationSteps), batch };
  }

  async #decideInEpisode(frames: Float32Array, batch: number, given: GivenNoise, seed = this.#parts.seed): Promise<PlanResult> {
    const episode = this.#episode;
    const result = await this.#decide(this.#nextRequest(frames, batch, given, seed));
    episode.push(splitChunks(result, batch));
    return result;
  }

  /** What the next decision of the running episode depends on. */
  #nextRequest(frames: Float32Array, batch: number, given: GivenNoise, seed: number): DecisionRequest {
    const episode = this.#episode;
    if (episode.batch !== 0 && episode.batch !== batch) {
      throw new OptionError(`plan: the running episode has a batch of ${episode.batch}, the window ${batch}; reset() first, or give \`previous\`.`);
    }
    const past = Array.from({ length: batch }, (_, b) => episode.past(b));
    return {
      frames,
      batch,
      starts: past.map(([newest, before]) => this.#strategy.start(newest, before)),
      newest: past.every(([chunk]) => chunk) ? past.map(([chunk]) => chunk as PastChunk) : undefined,
      key: { seed, episode: episode.index, decision: episode.decision },
      given,
    };
  }

  async #prepare({ frames, batch, starts, newest, key, given }: DecisionRequest): Promise<{ plan: DecisionPlan; input: DecisionInput }> {
    const schedule = commonSchedule(starts);
    const plan = await this.#plans.get(batch, this.#strategy.schedules);
    const chunkSize = plan.shape.horizon * plan.shape.actionDim;
    const warm = starts.some((start) => start.predictionScale !== 0);
    // Where a strategy starts warm without a past, its history is a chunk of zeros.
    const history = (): Float32Array => (newest ? concatenate(newest.map((past) => past.chunk)) : new Float32Array(batch * chunkSize));
    const noise = decisionNoise(schedule, batch, chunkSize, key, given);
    return { plan, input: { observations: frames, schedule, starts, history: warm ? history() : undefined, ...noise } };
  }

  async #decide(request: DecisionRequest): Promise<PlanResult> {
    const started = performance.now();
    const { plan, input } = await this.#prepare(request);
    const output = await plan.run(input);
    const { batch, starts } = request;
    const { actionDim, observationSteps } = plan.shape;
    const result: PlanResult = {
      batch,
      chunk: output.chunk,
      actionHorizon: output.actionHorizon,
      // Row 0 belongs to the oldest frame: earlier rows than the newest frame's are in the past.
      actions: sliceSamples(output.actionHorizon, batch, (observationSteps - 1) * actionDim, this.#context.actionSteps * actionDim),
      timesteps: input.schedule.steps.map((step) => step.timestep),
      warm: input.history !== undefined,
      stalled: starts.map((start) => start.stalled),
      latencyMs: performance.now() - started,
      taps: output.taps,
    };
    this.#parts.onDecision?.(result);
    return result;
  }

  #splitPrevious(past: PastChunk, batch: number): PastChunk[] {
    const { horizon, actionDim } = this.#parts.checkpoint.unet;
    const expected = batch * horizon * actionDim;
    for (const values of [past.chunk, past.actionHorizon]) {
      if (values.length !== expected || !values.every(Number.isFinite)) {
        throw new OptionError(`plan: \`previous\` must hold chunks of ${expected} finite values (batch × horizon × action size), got ${values.length}.`);
      }
    }
    return splitChunks(past, batch);
  }
}

/** All samples of a batch run through the network together, so they share their timesteps. */
function commonSchedule(starts: readonly DecisionStart[]): Schedule {
  const [first] = starts;
  if (!first) throw new ObservationError('a batch needs at least one sample');
  const timesteps = (start: DecisionStart): string => start.schedule.steps.map((step) => step.timestep).join(' ');
  if (starts.some((start) => start.schedule !== first.schedule && timesteps(start) !== timesteps(first))) {
    throw new OptionError('samples of one batch need different timesteps: with this warm start, the stall rule works with a batch of 1.');
  }
  return first.schedule;
}
