import { storedDtypes } from '../checkpoints/named-tensors.js';
import { loadPredictorCheckpoint } from '../checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import type { PolicyCheckpoint, PredictorCheckpoint } from '../checkpoints/types.js';
import { loadNetworks, type PolicyNetworks } from '../decision/networks.js';
import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, keysOf } from '../foundation/options.js';
import { adoptHalfLoads, trustsHalfLoads } from '../ops/half-loads.js';
import { ComputeDevice } from '../runtime/device.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { type Decision, Policy } from './policy.js';
import { type LoadedIn, loadInPrecision, PRECISION_CHOICES, type PrecisionChoice } from './precision.js';

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
 * Loads a LeRobot (or Diffusion Policy) checkpoint, ready to act. Closes the sources when it is done.
 * @throws CheckpointError, UnsupportedCheckpointError, OptionError, NoAdapterError, DeviceLimitError, and the reason of
 * `signal` when it is aborted.
 */
export async function loadPolicy(source: CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  checkLoadOptions(options);
  if (options.device) return loadOnto(options.device, source, options);
  const device = await ComputeDevice.open();
  try {
    const onDispose = (): void => {
      device.dispose();
      options.onDispose?.();
    };
    return await loadOnto(device, source, { ...options, onDispose });
  } catch (error) {
    device.dispose();
    throw error;
  }
}

async function loadOnto(device: ComputeDevice, source: CheckpointSource, options: LoadPolicyOptions): Promise<Policy> {
  const { signal, seed = 0, onProgress } = options;
  const choice = checkChoice('loadPolicy', 'precision', options.precision ?? 'f32', PRECISION_CHOICES);
  checkInteger('loadPolicy', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  signal?.throwIfAborted();
  const loading = signal ? { signal } : {};
  const opened: (PolicyCheckpoint | PredictorCheckpoint)[] = [];
  try {
    const checkpoint = await loadPolicyCheckpoint(source, loading);
    opened.push(checkpoint);
    const given = options.networks?.predictor;
    const predictor = typeof given === 'object' ? await loadPredictorCheckpoint(given, loading) : given;
    if (typeof predictor === 'object') opened.push(predictor);
    const facts = { deviceClass: device.deviceClass, exactHalves: choice === 'auto' && (await trustsHalfLoads(device, 'packed')) };
    const refused = await adoptHalfLoads(device);
    const loaded = await loadInPrecision(choice, facts, (precision) =>
      loadNetworks(device, checkpoint, predictor, { precision, signal, onProgress }),
    );
    try {
      for (const { assertUnchanged } of opened) await assertUnchanged();
    } catch (error) {
      loaded.networks.destroy();
      throw error;
    }
    const warnings = [...device.warnings, ...(refused === undefined ? [] : [refused]), ...loaded.warnings];
    return await createPolicy(checkpoint, predictor, { ...loaded, warnings }, { ...options, seed });
  } finally {
    // Everything that a policy needs is on the device now.
    for (const checkpoint of opened) await checkpoint.close();
  }
}

/** Makes the policy and warms it up; frees the networks when that fails. */
async function createPolicy(
  checkpoint: PolicyCheckpoint,
  predictor: PredictorCheckpoint | 'shift' | undefined,
  { networks, precision, warnings }: LoadedIn<PolicyNetworks>,
  options: LoadPolicyOptions & { readonly seed: number },
): Promise<Policy> {
  const { weights, encoders, weightBytes, warnings: warned, close, ...spec } = checkpoint;
  let policy: Policy | undefined;
  let loaded = false;
  try {
    policy = new Policy({
      spec,
      networks,
      precision,
      fileDtypes: storedDtypes(
        weights,
        ...(encoders ? [encoders.weights] : []),
        ...(typeof predictor === 'object' ? [predictor.weights] : []),
      ),
      strategy: options.strategy ?? defaultStrategy(checkpoint, predictor !== undefined),
      seed: options.seed,
      warnings: [...warned, ...(typeof predictor === 'object' ? predictor.warnings : []), ...warnings],
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
    networks.destroy();
    throw error;
  }
}

function defaultStrategy(checkpoint: PolicyCheckpoint, predicted: boolean): StrategyOptions {
  if (predicted) return { name: 'STEP' };
  return { name: checkpoint.scheduler.type };
}
