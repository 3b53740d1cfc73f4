import { storedDtypes } from '../checkpoints/named-tensors.js';
import { type CheckpointSource, checkSource } from '../checkpoints/source.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { PolicyNetworks } from '../decision/networks.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { type DeviceLostError, OptionError } from '../foundation/errors.js';
import {
  checkCallbacks,
  checkChoice,
  checkInteger,
  checkKeys,
  checkList,
  checkObject,
  checkSignal,
  checkText,
  keysOf,
} from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { ComputeDevice } from '../runtime/device.js';
import { methodsByType } from '../spec/method-networks.js';
import type { Precision } from '../spec/precision.js';
import type { CreateStrategy } from '../strategies/create.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { Reopen } from './engine.js';
import { fingerprintOf } from './file-facts.js';
import { LoadReporter, type OnLoadProgress } from './load-progress.js';
import { checkDevice, type Placed, type Placement, type PolicySources, placePolicy } from './placement.js';
import { type Decision, Policy } from './policy.js';
import { PRECISION_CHOICES, type PrecisionChoice } from './precision.js';

/** Networks that a strategy may need beside the denoiser. */
export interface GivenNetworks {
  /** A STEP predictor, a CVAE, or 'shift': the previous chunk moved by the executed rows. */
  readonly predictor?: CheckpointSource | 'shift';
  /**
   * Networks of methods, such as the student of Consistency Policy: one folder or several, each of another type. Which method one is of, its
   * config.json says (docs/methods.md).
   */
  readonly methods?: CheckpointSource | readonly CheckpointSource[];
}

export interface LoadPolicyOptions {
  /** Shared with other policies, and disposed of by whoever opened it. Default: a device of its own. */
  readonly device?: ComputeDevice;
  /** Networks beside the policy's own, for strategies that need them. */
  readonly networks?: GivenNetworks;
  /**
   * How decisions are sampled. Default: STEP when there is a predictor, with a CVAE from the first decision on; else the checkpoint's own
   * scheduler.
   */
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
  readonly signal?: AbortSignalLike;
  /** How far loading is, 0 … 1, and at what: also while kernels compile, which takes a minute on some drivers. */
  readonly onProgress?: OnLoadProgress;
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

/** Refuses what `loadPolicy` does not know or cannot use; `more` are options of a platform's own. @throws OptionError. */
export function checkLoadOptions(options: object, more: readonly string[] = []): void {
  checkObject('loadPolicy', 'options', options);
  if ('predictor' in options) {
    throw new OptionError('loadPolicy: `predictor` has moved: write `networks: { predictor }`.');
  }
  checkKeys('loadPolicy', options, [...LOAD_POLICY_KEYS, ...more]);
  const { device, networks, seed, precision, probes, signal, onDeviceLost } = options as LoadPolicyOptions;
  checkDevice('loadPolicy', device);
  checkSignal('loadPolicy', signal);
  checkCallbacks<LoadPolicyOptions>('loadPolicy', options, ['onProgress', 'onDecision', 'onDispose', 'onReload']);
  checkInteger('loadPolicy', 'seed', seed ?? 0, 0, Number.MAX_SAFE_INTEGER);
  checkChoice('loadPolicy', 'precision', precision ?? 'f32', PRECISION_CHOICES);
  checkList('loadPolicy', 'probes', probes ?? [], (probe) => checkText('loadPolicy', 'a probe', probe));
  checkChoice('loadPolicy', 'onDeviceLost', onDeviceLost ?? 'fail', ['fail', 'reload']);
  if (onDeviceLost === 'reload' && device) {
    throw new OptionError(
      "loadPolicy: onDeviceLost 'reload' opens devices of the policy's own: leave `device` out, or call reload({ device }) with a new one.",
    );
  }
  checkNetworks(networks);
}

function checkNetworks(networks: unknown): void {
  if (networks === undefined) return;
  if (typeof networks !== 'object' || networks === null) {
    throw new OptionError(`loadPolicy: networks must be an object such as { predictor }, found ${shownValue(networks)}.`);
  }
  checkKeys('loadPolicy: networks', networks, keysOf<GivenNetworks>({ predictor: true, methods: true }));
  const { predictor, methods } = networks as { readonly predictor?: unknown; readonly methods?: unknown };
  if (predictor !== undefined && typeof predictor !== 'string') checkSource('loadPolicy', 'networks.predictor', predictor);
  for (const method of listOf(methods)) if (typeof method !== 'string') checkSource('loadPolicy', 'networks.methods', method);
}

/** What may be given alone or in a list; undefined: nothing. */
export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given : [given as T];
}

/**
 * Loads a LeRobot (or Diffusion Policy) checkpoint, ready to act. Closes the sources when it is done; `Policy.reload` lists and
 * opens their files again.
 * @throws CheckpointError, UnsupportedCheckpointError, OptionError, NoAdapterError, DeviceLimitError, and the reason of
 * `signal` when it is aborted.
 */
export async function loadPolicy(source: CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  checkLoadOptions(options);
  checkSource('loadPolicy', 'source', source);
  const given: unknown = options.networks?.predictor;
  if (typeof given === 'string') checkChoice('loadPolicy', 'networks.predictor', given, ['shift']);
  for (const method of listOf<unknown>(options.networks?.methods)) checkSource('loadPolicy', 'networks.methods', method);
  return loadPolicyWith(source, options, () => ComputeDevice.open());
}

/** As `loadPolicy`, with options that were checked. `open`: how a platform opens a device where none is given. */
export async function loadPolicyWith(
  source: CheckpointSource,
  options: LoadPolicyOptions,
  open: () => Promise<ComputeDevice>,
): Promise<Policy> {
  const { precision = 'f32', signal } = options;
  const { predictor, methods } = options.networks ?? {};
  const sources: PolicySources = { policy: source, predictor, methods: listOf(methods) };
  const device = options.device ?? (await open());
  const ownsDevice = !options.device;
  const reporter = new LoadReporter(options.onProgress);
  const strategies = loadStrategies(sources.methods.length > 0);
  let networks: PolicyNetworks | undefined;
  try {
    return await reporter.during(device.pipelines, async () => {
      const placed = await placePolicy(device, sources, { precision, signal, reporter });
      ({ networks } = placed);
      const reopen = reopener(sources, placed.precision, placed.facts, open);
      return createPolicy(placed, options, { networks, ownsDevice }, reopen, reporter, strategies);
    });
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
  return async (before, { device: given, signal }, reporter) => {
    const ownsDevice = !given && before.ownsDevice;
    const device = given ?? (ownsDevice ? await open() : before.networks.device);
    try {
      const place = (): Promise<Placed> => placePolicy(device, sources, { precision, signal, reporter }, facts);
      const { networks } = await reporter.during(device.pipelines, place);
      return { networks, ownsDevice };
    } catch (error) {
      if (ownsDevice) device.dispose();
      throw error;
    }
  };
}

/**
 * The code of strategies comes beside the weights, all that a policy can be told to use: `useStrategy` waits for nothing. That of strategies with
 * networks of their own is left out where there are none.
 */
function loadStrategies(withNetworks: boolean): Promise<CreateStrategy> {
  const loading = withNetworks
    ? import('../strategies/index.js').then(({ createStrategy }) => createStrategy)
    : import('../strategies/own.js').then(({ createOwnStrategy }) => createOwnStrategy);
  // Where placing fails before, nobody asks for it.
  loading.catch(() => {});
  return loading;
}

/** Makes the policy and warms it up. */
async function createPolicy(
  { checkpoint, predictor, methods, precision, warnings, facts }: Placed,
  options: LoadPolicyOptions,
  placement: Placement,
  reopen: Reopen,
  reporter: LoadReporter,
  createStrategy: Promise<CreateStrategy>,
): Promise<Policy> {
  const { weights, encoders, weightBytes, warnings: warned, assertUnchanged, close, ...spec } = checkpoint;
  let policy: Policy | undefined;
  let loaded = false;
  try {
    policy = Policy.of({
      spec,
      methods: methodsByType(methods.map(({ config }) => config)),
      createStrategy: await createStrategy,
      placement,
      reopen,
      onDeviceLost: options.onDeviceLost ?? 'fail',
      onReload: options.onReload,
      precision,
      fingerprint: await fingerprintOf(facts),
      fileDtypes: storedDtypes(
        weights,
        ...(encoders ? [encoders.weights] : []),
        ...(typeof predictor === 'object' ? [predictor.weights] : []),
        ...methods.map(({ weights: ofMethod }) => ofMethod),
      ),
      strategy: options.strategy === undefined ? defaultStrategy(checkpoint, predictor) : options.strategy,
      seed: options.seed ?? 0,
      warnings: [
        ...warned,
        ...(typeof predictor === 'object' ? predictor.warnings : []),
        ...methods.flatMap((one) => one.warnings),
        ...warnings,
      ],
      probes: options.probes ?? [],
      onDecision: options.onDecision,
      // The caller of a load that failed has no policy, and shall not hear that it was disposed of.
      onDispose: () => (loaded ? options.onDispose?.() : undefined),
    });
    await policy.warmup(1, options.signal, (progress) => reporter.report({ stage: 'first runs', ...progress }));
    reporter.throwIfFailed();
    // The news that a device was lost comes a turn later.
    await placement.networks.device.settle(new Promise((resolve) => setTimeout(resolve, 0)));
    options.signal?.throwIfAborted();
    loaded = true;
    return policy;
  } catch (error) {
    await policy?.dispose();
    throw error;
  }
}

function defaultStrategy(checkpoint: PolicyCheckpoint, predictor: Placed['predictor']): StrategyOptions {
  // A CVAE reads no past: no decision has to do without it.
  if (typeof predictor === 'object' && predictor.kind === 'cvae') return { name: 'STEP', coldStart: { mode: 'zero-history' } };
  if (predictor !== undefined) return { name: 'STEP' };
  return { name: checkpoint.scheduler.type };
}
