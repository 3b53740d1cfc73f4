import { Denoiser, type RunLimit } from '../decision/denoiser.js';
import { type FrameEncoding, FrameWindows } from '../decision/frame-windows.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { PlanCache } from '../decision/plan-cache.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DeviceLostError, NoAdapterError, OptionError } from '../foundation/errors.js';
import { FrameWindow } from '../observations/window.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import { type ObservationInfo, observationInfo, type PolicySpec } from '../spec/policy-spec.js';
import {
  type NetworkNeed,
  type PredictorKind,
  type Strategy,
  type StrategyContext,
  suitsPredictor,
  usesPrediction,
} from '../strategies/strategy.js';
import { Decider } from './decider.js';
import type { DecisionCost } from './decision-result.js';
import { describePolicy } from './info.js';
import { LoadReporter, type OnLoadProgress } from './load-progress.js';
import type { Placement } from './placement.js';
import { zeroFrames } from './practice.js';

export interface ReloadOptions {
  /** Disposed of by whoever opened it. Default: a device as the one before, opened anew where the policy opened that. */
  readonly device?: ComputeDevice;
  /** Stops it; the policy is then as it was. */
  readonly signal?: AbortSignalLike;
  /** As that of loadPolicy. */
  readonly onProgress?: OnLoadProgress;
}

/**
 * Places the same networks again, where they were or as `options` say.
 * @throws as loadPolicy, and CheckpointError where the files have changed.
 * @internal
 */
export type Reopen = (before: Placement, options: ReloadOptions, reporter: LoadReporter) => Promise<Placement>;

/** @internal */
export interface EngineParts {
  readonly spec: PolicySpec;
  readonly context: StrategyContext;
  readonly placement: Placement;
  readonly reopen: Reopen;
  readonly onDeviceLost: 'fail' | 'reload';
  readonly onReload: ((lost: DeviceLostError) => void) | undefined;
  readonly probes: readonly string[];
}

/** Milliseconds before each attempt to reload after a loss: a driver that is reset may have no adapter for a moment. */
const RELOAD_PAUSES_MS = [0, 200, 1000];

/**
 * What of a policy lives on a device: its networks and their plans. Survives the device, because everything of the past is on
 * the host. Calls must not overlap.
 * @internal
 */
export class PolicyEngine {
  readonly #parts: Omit<EngineParts, 'placement'>;
  readonly #observations: readonly ObservationInfo[];
  readonly #plans: PlanCache;
  readonly denoiser: Denoiser;
  /** Makes decisions that nobody sees, on the device within the limit, else without it: see `Practice`. */
  readonly practised: Decider;
  readonly practiceLimit: RunLimit = { withinMs: 0 };
  readonly encoder: FrameEncoding;
  #placement: Placement | undefined;
  #described: ReturnType<typeof describePolicy>;
  #reloads = 0;

  constructor({ placement, ...parts }: EngineParts) {
    this.#parts = parts;
    this.#placement = placement;
    this.#described = describePolicy(parts.spec, placement.networks);
    this.#observations = observationInfo(parts.spec.observations);
    this.#plans = new PlanCache(placement.networks, parts.spec, parts.probes);
    this.denoiser = new Denoiser(this.#plans);
    const { images, rows } = placement.networks;
    // Zeros in the place of the features of images.
    const practising = new Denoiser(this.#plans, this.practiceLimit);
    this.practised = new Decider(practising, new FrameWindows(this.#observations, rows), parts.context, undefined);
    this.encoder =
      images?.frameEncoder(images.encodePlans(parts.probes), this.#observations, rows) ?? new FrameWindows(this.#observations, rows);
  }

  /** Another number whenever what it is described as, or a plan, may have changed. */
  get version(): number {
    return this.#plans.version + this.#reloads;
  }

  /** What it is, and the device that it is on. */
  get described(): ReturnType<typeof describePolicy> {
    return { ...this.#described, deviceBytes: this.#plans.bytes };
  }

  /** The kind of its predictor. */
  get predictor(): PredictorKind | 'none' {
    return this.#placement?.networks.predictor?.kind ?? 'none';
  }

  /** Whether it was loaded with a network that suits. */
  has(need: NetworkNeed): boolean {
    const { network } = need;
    return network === 'predictor' ? suitsPredictor(need, this.predictor) : this.#placement?.networks.denoisers?.has(network) === true;
  }

  /** Plans that are compiled from now on have room for decisions of this strategy. */
  reserve({ schedules, denoiser }: Strategy): void {
    this.#plans.reserve(schedules, denoiser);
  }

  /** Dispatches of a usual decision of a strategy, alone; undefined before its plan is compiled. */
  dispatches(strategy: Strategy): number | undefined {
    return this.#plans.peek(1, strategy)?.dispatchCount(strategy.usual.steps.length, usesPrediction(strategy), strategy.usual);
  }

  /** What a usual decision of a strategy costs, alone; its plan is compiled where it is missing. */
  async cost(strategy: Strategy): Promise<DecisionCost> {
    const plan = await this.#plans.get(1, strategy.schedules, strategy);
    const { decisionCost } = await import('./decision-cost.js');
    return decisionCost(strategy, plan, (this.#placement as Placement).networks);
  }

  /** Compiles what decisions of this batch size need, runs every kernel once, then whole decisions on zeros. */
  async rehearse(
    strategy: Strategy,
    batch: number,
    signal?: AbortSignalLike,
    onKernel?: (progress: KernelProgress) => void,
  ): Promise<void> {
    const { denoiser } = strategy;
    const plan = await this.#plans.get(batch, strategy.schedules, { denoiser });
    signal?.throwIfAborted();
    await plan.runEachKernel(onKernel);
    const { context } = this.#parts;
    const { observationSteps } = context;
    const frames = zeroFrames(this.#observations, observationSteps);
    const parts = {
      denoiser: this.denoiser,
      // Zeros in the place of the features of images.
      encoder: new FrameWindows(this.#observations, this.#placement?.networks.rows),
      context,
      predicted: plan.isPredicting,
      newWindow: () => new FrameWindow(this.#observations, observationSteps),
      observations: this.#observations,
    };
    // Loaded once there is a policy, beside its weights.
    const { rehearse } = await import('./rehearsal.js');
    await rehearse(parts, strategy, batch, { frames, given: {} }, signal);
    // At the first decision of an episode one frame stands for all; later ones may find none of theirs encoded.
    for (const count of new Set([1, observationSteps])) await this.encoder.warmup(batch * count);
  }

  /** Whether the policy reloads by itself. */
  get recovers(): boolean {
    return this.#parts.onDeviceLost === 'reload';
  }

  /** Runs a task; where the device was lost and the policy reloads by itself, a second time. A task that fails changes nothing. */
  async recovering<T>(strategy: () => Strategy, task: () => T | Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (!this.recovers || !(error instanceof DeviceLostError)) throw error;
      await this.#recover(error, strategy());
      return task();
    }
  }

  /** Moves to another device, or to the same files' networks anew. Where it fails everything is as it was. @throws as loadPolicy. */
  async reload(options: ReloadOptions, strategy: Strategy): Promise<void> {
    const before = this.#placement as Placement;
    const { device } = before.networks;
    if (!before.ownsDevice && !options.device && !device.isUsable) {
      throw new OptionError('reload: the device that the policy was given cannot be used any more: give another one, reload({ device }).');
    }
    // What is left of a lost device makes room first.
    if (!device.isUsable) release(before);
    const reporter = new LoadReporter(options.onProgress);
    const placement = await this.#parts.reopen(before, options, reporter);
    try {
      this.#moveTo(placement.networks);
      await reporter.during(placement.networks.device.pipelines, () =>
        this.rehearse(strategy, 1, options.signal, (progress) => reporter.report({ stage: 'first runs', ...progress })),
      );
      reporter.throwIfFailed();
      options.signal?.throwIfAborted();
    } catch (error) {
      this.#moveTo(before.networks);
      release(placement);
      throw error;
    }
    release(before);
    this.#placement = placement;
    this.#described = describePolicy(this.#parts.spec, placement.networks);
    this.#reloads++;
  }

  destroy(): void {
    this.#plans.destroy();
    this.encoder.destroy();
    if (this.#placement) release(this.#placement);
    this.#placement = undefined;
  }

  #moveTo(networks: PolicyNetworks): void {
    this.#plans.moveTo(networks);
    this.encoder.moveTo(networks.images?.encodePlans(this.#parts.probes));
  }

  async #recover(lost: DeviceLostError, strategy: Strategy): Promise<void> {
    let last: unknown;
    for (const pause of RELOAD_PAUSES_MS) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        await this.reload({}, strategy);
        this.#parts.onReload?.(lost);
        return;
      } catch (error) {
        if (!(error instanceof DeviceLostError || error instanceof NoAdapterError)) throw error;
        last = error;
      }
    }
    const reason = (last as Error).message;
    throw new DeviceLostError(`${lost.message} Reloading failed ${RELOAD_PAUSES_MS.length} times, the last time because: ${reason}`, {
      cause: lost,
    });
  }
}

function release({ networks, ownsDevice }: Placement): void {
  networks.destroy();
  if (ownsDevice) networks.device.dispose();
}
