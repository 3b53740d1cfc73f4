import { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import type { LoadOptions, MethodCheckpoint, PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import { loadNetworks, type PolicyNetworks } from '../decision/networks.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { CheckpointError, OptionError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import { ComputeDevice } from '../runtime/device.js';
import type { Sides } from '../spec/policy-spec.js';
import { fileFacts } from './file-facts.js';
import type { LoadReporter } from './load-progress.js';
import { type LoadedIn, loadInPrecision, type PrecisionChoice } from './precision.js';

/** Where the files of a policy are. */
export interface PolicySources {
  readonly policy: CheckpointSource;
  readonly predictor: CheckpointSource | 'shift' | undefined;
  /** Networks of methods. */
  readonly methods: readonly CheckpointSource[];
}

export interface PlaceOptions {
  readonly precision: PrecisionChoice;
  readonly signal?: AbortSignalLike | undefined;
  readonly reporter: LoadReporter;
}

/** The networks of a policy on a device. */
export interface Placement {
  readonly networks: PolicyNetworks;
  /** Whether the device was opened for the policy alone, and goes with it. */
  readonly ownsDevice: boolean;
}

/** What was read, and the networks that it became. */
export interface Placed extends LoadedIn<PolicyNetworks> {
  readonly checkpoint: PolicyCheckpoint;
  readonly predictor: StartCheckpoint | 'shift' | undefined;
  readonly methods: readonly MethodCheckpoint[];
  /** See `fileFacts`. */
  readonly facts: string;
}

/**
 * Reads a policy's files and brings its networks to a device. Closes the sources when it is done.
 * `expected`: the facts of the files when they were read before.
 * @throws CheckpointError, also where the files are others than before; DeviceLimitError, and the reason of `signal`.
 */
export async function placePolicy(
  device: ComputeDevice,
  sources: PolicySources,
  options: PlaceOptions,
  expected?: string,
): Promise<Placed> {
  const { precision: choice, signal, reporter } = options;
  signal?.throwIfAborted();
  const loading = signal ? { signal } : {};
  const opened: (PolicyCheckpoint | StartCheckpoint | MethodCheckpoint)[] = [];
  try {
    const checkpoint = await loadPolicyCheckpoint(sources.policy, loading);
    opened.push(checkpoint);
    const given = sources.predictor;
    const predictor = typeof given === 'object' ? await startCheckpoint(given, loading, checkpoint) : given;
    if (typeof predictor === 'object') opened.push(predictor);
    const methods: MethodCheckpoint[] = [];
    for (const source of sources.methods) {
      const method = await methodCheckpoint(source, loading);
      opened.push(method);
      assertOther(methods, method);
      methods.push(method);
    }
    const facts = await fileFacts(checkpoint, typeof predictor === 'object' ? predictor : undefined, methods);
    if (expected !== undefined && facts !== expected) {
      throw new CheckpointError(
        `${checkpoint.name}: expected the files that the policy was loaded from, found others: they changed meanwhile. ` +
          'Episodes cannot go on with another policy: load it with loadPolicy, or put the files back.',
      );
    }
    // The code that tries halves is loaded where they are asked for.
    const asksForHalves = choice === 'auto' || device.variants?.halfLoads === 'native';
    const halves = asksForHalves ? await import('../ops/half-loads.js') : undefined;
    const exactHalves = choice === 'auto' && (await halves?.trustsHalfLoads(device, 'packed')) === true;
    const refused = await halves?.adoptHalfLoads(device);
    const onBlock = (done: number, total: number): void => reporter.report({ stage: 'weights', done, total });
    const loaded = await loadInPrecision(choice, { deviceClass: device.deviceClass, exactHalves }, (precision) =>
      loadNetworks(device, checkpoint, predictor, { precision, signal, methods, onBlock }),
    );
    try {
      for (const { assertUnchanged } of opened) await assertUnchanged();
    } catch (error) {
      loaded.networks.destroy();
      throw error;
    }
    const warnings = [...device.warnings, ...(refused === undefined ? [] : [refused]), ...loaded.warnings];
    return { ...loaded, warnings, checkpoint, predictor, methods, facts };
  } finally {
    // Everything that a policy needs is on the device now.
    for (const checkpoint of opened) await checkpoint.close();
  }
}

/** The code that reads networks of methods is loaded where there is one. */
async function methodCheckpoint(source: CheckpointSource, loading: LoadOptions): Promise<MethodCheckpoint> {
  const { loadMethodCheckpoint } = await import('../checkpoints/methods/read-method.js');
  return loadMethodCheckpoint(source, loading);
}

/** Strategies find the network of a method by its type. @throws OptionError for the second one of a type. */
function assertOther(methods: readonly MethodCheckpoint[], { name, config }: MethodCheckpoint): void {
  const same = methods.find((other) => other.config.type === config.type);
  if (!same) return;
  throw new OptionError(
    `networks.methods: expected one network of type "${config.type}", found "${same.name}" and "${name}": give one, and load another policy ` +
      'for the other.',
  );
}

/** What a network beside the policy may read of its observations. */
export function observedBy({ images, observations }: PolicyCheckpoint): { frame: Sides | undefined; vectors: string[] } {
  return { frame: images?.frame, vectors: observations.flatMap(({ kind, name }) => (kind === 'vector' ? [name] : [])) };
}

/** @throws OptionError where a device was given that is none of the engine's. */
export function checkDevice(where: string, device: unknown): void {
  if (device === undefined || device instanceof ComputeDevice) return;
  const isRaw = typeof device === 'object' && device !== null && 'createBuffer' in device;
  const found = isRaw ? 'a raw GPUDevice' : shownValue(device);
  throw new OptionError(`${where}: device must be one that openDevice() or ComputeDevice.open() returned, found ${found}.`);
}

/** What reads the folders of predictors is loaded where one is given. */
async function startCheckpoint(
  source: CheckpointSource,
  loading: Parameters<typeof loadPolicyCheckpoint>[1],
  policy: PolicyCheckpoint,
): Promise<StartCheckpoint> {
  const { loadStartCheckpoint } = await import('../checkpoints/predictor/read-predictor.js');
  return loadStartCheckpoint(source, loading, observedBy(policy));
}
