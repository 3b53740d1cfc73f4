import { storedDtypes } from '../checkpoints/named-tensors.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { type DeviceLostError, OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, keysOf } from '../foundation/options.js';
import { ComputeDevice } from '../runtime/device.js';
import type { Precision } from '../spec/precision.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { type Placed, type Placement, type PolicySources, placePolicy } from './placement.js';
import { type Decision, Policy, type Reopen } from './policy.js';
import { PRECISION_CHOICES, type PrecisionChoice } from './precision.js';

/** Networks that a strategy may need beside the denoiser. */
export interface GivenNetworks {
  /** A STEP predictor, or 'shift': the previous chunk moved by the executed rows. */
  readonly predictor?: CheckpointSource | 'shift';
}

export interface LoadPolicyOptions {
  /** Shared with other policies, and disposed of by whoever opened it. Default: a device of its own. */
  readonly device?: ComputeDevice;
  /** Networks beside the policy's own, for strategies that need them. */
  readonly networks?: GivenNetworks;
  /** How decisions are sampled. Default: STEP when there is a predictor, else the checkpoint's own scheduler. */
  readonly strategy?: StrategyOptions;
  /**
   * How weights are stored on the device; arithmetic is f32 in all. Default f32. `auto`: the fastest of f32 and f16 that is
   * right on the device and fits the weights. int8 keeps one scale per output channel and moves actions by about 0.3 to 4 %
   * of their range: it is outside the bounds of f32 and f16 and is never taken by `auto`. `policy.info.precision` says what
   * was taken.
   */
  readonly precision?: PrecisionChoice;
  /** Seed of the noise. Default 0. */
  readonly seed?: number;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Fraction of the network that is on the device, 0 … 1. */
  readonly onProgress?: (fraction: number) => void;
  /** Called after every decision, also those of act(). */
  readonly onDecision?: (result: Decision) => void;
  /** Called last when the policy is disposed of. */
  readonly onDispose?: () => void;
  /**
   * What a call does that meets a device that was lost. 'fail': it throws DeviceLostError, as do later ones until `reload`.
   * 'reload': the policy opens a device anew, brings its weights there and makes the call again, as `reload` describes; a few
   * attempts, because drivers may take a moment to come back. Only without `device`. Default 'fail'.
   */
  readonly onDeviceLost?: 'fail' | 'reload';
  /** Called after the policy has reloaded by itself. */
  readonly onReload?: (lost: DeviceLostError) => void;
  /** Inner values to hand out with every decision (`Decision.probes`), for verification; they cost time. */
  readonly probes?: readonly string[];
}

/** Options that `loadPolicy` knows. */
const LOAD_POLICY_KEYS = keysOf<LoadPolicyOptions>({
  device: true,
  networks: true,
  strategy: true,
  precision: true,
  seed: true,
  signal: true,
  onProgress: true,
  onDecision: true,
  onDispose: true,
  onDeviceLost: true,
  onReload: true,
  probes: true,
});

/** Refuses what `loadPolicy` does not know; `more` are options of a platform's own. @throws OptionError. */
export function checkLoadOptions(options: object, more: readonly string[] = []): void {
  if ('predictor' in options) {
    throw new OptionError('loadPolicy: `predictor` has moved: write `networks: { predictor }`.');
  }
  checkKeys('loadPolicy', options, [...LOAD_POLICY_KEYS, ...more]);
  const { networks } = options as { readonly networks?: unknown };
  if (networks === undefined) return;
  if (typeof networks !== 'object' || networks === null) {
    throw new OptionError(`loadPolicy: networks must be an object such as { predictor }, found ${String(networks)}.`);
  }
  checkKeys('loadPolicy: networks', networks, keysOf<GivenNetworks>({ predictor: true }));
}

/**
 * Loads a LeRobot (or Diffusion Policy) checkpoint, ready to act. Closes the sources when it is done; `Policy.reload` lists and
 * opens their files again.
 * @throws CheckpointError, UnsupportedCheckpointError, OptionError, NoAdapterError, DeviceLimitError, and the reason of
 * `signal` when it is aborted.
 */
export async function loadPolicy(source: CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  checkLoadOptions(options);
  return loadPolicyWith(source, options, () => ComputeDevice.open());
}

/** As `loadPolicy`, with options that were checked. `open`: how a platform opens a device where none is given. */
export async function loadPolicyWith(
  source: CheckpointSource,
  options: LoadPolicyOptions,
  open: () => Promise<ComputeDevice>,
): Promise<Policy> {
  const precision = checkChoice('loadPolicy', 'precision', options.precision ?? 'f32', PRECISION_CHOICES);
  const seed = checkInteger('loadPolicy', 'seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const onDeviceLost = checkChoice('loadPolicy', 'onDeviceLost', options.onDeviceLost ?? 'fail', ['fail', 'reload']);
  if (onDeviceLost === 'reload' && options.device) {
    throw new OptionError(
      "loadPolicy: onDeviceLost 'reload' opens devices of the policy's own: leave `device` out, or call reload({ device }) with a new one.",
    );
  }
  const sources: PolicySources = { policy: source, predictor: options.networks?.predictor };
  const device = options.device ?? (await open());
  const ownsDevice = !options.device;
  let networks: PolicyNetworks | undefined;
  try {
    const placed = await placePolicy(device, sources, { ...options, precision });
    ({ networks } = placed);
    const reopen = reopener(sources, placed.precision, placed.facts, open);
    return await createPolicy(placed, { ...options, seed, onDeviceLost }, { networks, ownsDevice }, reopen);
  } catch (error) {
    networks?.destroy();
    if (ownsDevice) device.dispose();
    throw error;
  }
}

/**
 * Places the same policy again. A function of its own, so that it holds nothing of the device that the policy was loaded onto: a
 * policy that was disposed of may be held for long.
 */
function reopener(sources: PolicySources, precision: Precision, facts: string, open: () => Promise<ComputeDevice>): Reopen {
  return async (before, { device: given, signal, onProgress }) => {
    const ownsDevice = !given && before.ownsDevice;
    const device = given ?? (ownsDevice ? await open() : before.networks.device);
    try {
      const { networks } = await placePolicy(device, sources, { precision, signal, onProgress }, facts);
      return { networks, ownsDevice };
    } catch (error) {
      if (ownsDevice) device.dispose();
      throw error;
    }
  };
}

/** Makes the policy and warms it up. */
async function createPolicy(
  { checkpoint, predictor, precision, warnings }: Placed,
  options: LoadPolicyOptions & Required<Pick<LoadPolicyOptions, 'seed' | 'onDeviceLost'>>,
  placement: Placement,
  reopen: Reopen,
): Promise<Policy> {
  let policy: Policy | undefined;
  let loaded = false;
  try {
    policy = new Policy({
      checkpoint,
      placement,
      reopen,
      onDeviceLost: options.onDeviceLost,
      onReload: options.onReload,
      precision,
      fileDtypes: storedDtypes(checkpoint.weights, ...(typeof predictor === 'object' ? [predictor.weights] : [])),
      strategy: options.strategy ?? defaultStrategy(checkpoint, predictor !== undefined),
      seed: options.seed,
      warnings: [...checkpoint.warnings, ...(typeof predictor === 'object' ? predictor.warnings : []), ...warnings],
      probes: options.probes ?? [],
      onDecision: options.onDecision,
      // The caller of a load that failed has no policy, and shall not hear that it was disposed of.
      onDispose: () => (loaded ? options.onDispose?.() : undefined),
    });
    await policy.warmup(1, options.signal);
    options.signal?.throwIfAborted();
    loaded = true;
    return policy;
  } catch (error) {
    await policy?.dispose();
    throw error;
  }
}

function defaultStrategy(checkpoint: PolicyCheckpoint, predicted: boolean): StrategyOptions {
  if (predicted) return { name: 'STEP' };
  return { name: checkpoint.scheduler.type };
}
