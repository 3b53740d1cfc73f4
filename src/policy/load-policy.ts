import { loadPolicyCheckpoint } from '../checkpoints/load-policy.js';
import { loadPredictorCheckpoint } from '../checkpoints/load-predictor.js';
import type { NamedTensors } from '../checkpoints/named-tensors.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Precision } from '../ops/weight-source.js';
import { checkChoice, checkInteger, checkKeys } from '../options.js';
import { ComputeDevice } from '../runtime/device.js';
import { Policy, type PlanResult } from './policy.js';
import { loadNetworks } from './policy-networks.js';
import type { StrategyOptions } from './strategy.js';

export interface LoadPolicyOptions {
  /** Shared with other policies, and disposed of by whoever opened it. Default: a device of its own. */
  readonly device?: ComputeDevice;
  /** A STEP predictor, or 'shift': the previous chunk moved by the executed rows. */
  readonly predictor?: CheckpointSource | 'shift';
  /** How decisions are sampled. Default: STEP when there is a predictor, else the checkpoint's own scheduler. */
  readonly strategy?: StrategyOptions;
  /** How weights are stored on the device; arithmetic is f32 in both. Default f32. */
  readonly precision?: Precision;
  /** Seed of the noise. Default 0. */
  readonly seed?: number;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Fraction of the network that is on the device, 0 … 1. */
  readonly onProgress?: (fraction: number) => void;
  /** Called after every decision, also those of act(). */
  readonly onDecision?: (result: PlanResult) => void;
  /** Called last when the policy is disposed of. */
  readonly onDispose?: () => void;
  /** Inner values to hand out with every decision (`PlanResult.taps`), for verification; they cost time. */
  readonly taps?: readonly string[];
}

/** Options that `loadPolicy` knows. */
export const LOAD_POLICY_KEYS = [
  'device', 'predictor', 'strategy', 'precision', 'seed', 'signal', 'onProgress', 'onDecision', 'onDispose', 'taps',
] as const satisfies (keyof LoadPolicyOptions)[];

/**
 * Loads a LeRobot (or Diffusion Policy) checkpoint, ready to act.
 * @throws CheckpointError, UnsupportedCheckpointError, OptionError, NoAdapterError, DeviceLimitError, and the reason of
 * `signal` when it is aborted.
 */
export async function loadPolicy(source: CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  checkKeys('loadPolicy', options, LOAD_POLICY_KEYS);
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
  const precision = checkChoice('loadPolicy', 'precision', options.precision ?? 'f32', ['f32', 'f16'] as const);
  checkInteger('loadPolicy', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  signal?.throwIfAborted();
  const loading = signal ? { signal } : {};
  const checkpoint = await loadPolicyCheckpoint(source, loading);
  const predictor = typeof options.predictor === 'object' ? await loadPredictorCheckpoint(options.predictor, loading) : options.predictor;
  const networks = await loadNetworks(device, checkpoint, predictor, { precision, signal, onProgress });
  try {
    const policy = new Policy({
      checkpoint,
      networks,
      precision,
      fileDtypes: fileDtypes([checkpoint.weights, ...(typeof predictor === 'object' ? [predictor.weights] : [])]),
      strategy: options.strategy ?? defaultStrategy(checkpoint, predictor !== undefined),
      seed,
      warnings: [...checkpoint.warnings, ...(typeof predictor === 'object' ? predictor.warnings : [])],
      taps: options.taps ?? [],
      onDecision: options.onDecision,
      onDispose: options.onDispose,
    });
    await policy.warmup();
    return policy;
  } catch (error) {
    networks.destroy();
    throw error;
  }
}

function fileDtypes(weights: readonly NamedTensors[]): string[] {
  const dtypes = weights.flatMap((tensors) => [...tensors.names()].map((name) => tensors.dtype(name)));
  return [...new Set(dtypes.filter((dtype) => dtype !== undefined))].sort();
}

function defaultStrategy(checkpoint: PolicyCheckpoint, predicted: boolean): StrategyOptions {
  if (predicted) return { name: 'STEP' };
  return { name: checkpoint.scheduler.type, steps: checkpoint.scheduler.numInferenceSteps };
}
