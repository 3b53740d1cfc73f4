import type { Observation } from '../../src/observations/frame.js';
import type { OpenDeviceOptions } from '../../src/platform/options.js';
import type { Policy } from '../../src/policy/policy.js';
import type { PrecisionChoice } from '../../src/policy/precision.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { PrepareChoice } from '../../src/spec/prepare-options.js';
import type { SyntheticSize } from '../../src/synthetic/checkpoint.js';

/** U-Net evaluations of a warm decision. */
export const BUDGET = 2;
const WINDOWS = 16;

/** What is measured: this build of the engine, or another one that takes turns with it. */
export interface EngineOptions {
  readonly name: string;
  /** Folder of the build, with `src/` in it. */
  readonly root: URL;
  readonly size: SyntheticSize;
  readonly precision: PrecisionChoice;
  readonly device: OpenDeviceOptions;
}

/** A build with a policy that is loaded. */
export interface Engine {
  readonly name: string;
  readonly root: URL;
  readonly device: ComputeDevice;
  readonly policy: Policy;
  /** Observations that differ, made ahead: making them is no part of a decision. */
  readonly windows: readonly Observation[];
  readonly loadMs: number;
}

/** A module of a build. */
export async function moduleOf<T>(root: URL, path: string): Promise<T> {
  return (await import(new URL(`src/${path}`, root).href)) as T;
}

/** Loads a build, and with it a synthetic policy with predictor. The caller closes it. */
export async function openEngine({ name, root, size, precision, device: choice }: EngineOptions): Promise<Engine> {
  type DeviceModule = typeof import('../../src/platform/node/device.js');
  type LoadModule = typeof import('../../src/platform/node/load-policy.js');
  type SyntheticModule = typeof import('../../src/synthetic/checkpoint.js');
  type FramesModule = typeof import('../../src/cli/bench/observations.js');
  const { openDevice } = await moduleOf<DeviceModule>(root, 'platform/node/device.js');
  const { loadPolicy } = await moduleOf<LoadModule>(root, 'platform/node/load-policy.js');
  const { syntheticPolicy, syntheticPredictor } = await moduleOf<SyntheticModule>(root, 'synthetic/checkpoint.js');
  const { frames } = await moduleOf<FramesModule>(root, 'cli/bench/observations.js');
  const device = await openDevice(choice);
  const begun = performance.now();
  const policy = await loadPolicy(syntheticPolicy(size), {
    device,
    networks: { predictor: syntheticPredictor() },
    precision,
    strategy: { name: 'STEP', budget: BUDGET },
  });
  const loadMs = performance.now() - begun;
  const windows = Array.from({ length: WINDOWS }, (_, seed) => frames(seed, policy.info.observationSteps));
  return { name, root, device, policy, windows, loadMs };
}

export async function closeEngine({ policy, device }: Engine): Promise<void> {
  await policy.dispose();
  device.dispose();
}

/** Readies the next decision, where the build can; resolves when it is ready. */
export async function prepareDecision({ policy }: Engine, on: PrepareChoice): Promise<void> {
  await (policy as Partial<Pick<Policy, 'prepare'>>).prepare?.({ on });
}

/** Makes the decision number `index` of the running episode; returns its milliseconds, from the call to the actions. */
export async function timeDecision(
  { policy, windows }: { readonly policy: Pick<Policy, 'decide'>; readonly windows: Engine['windows'] },
  index: number,
): Promise<number> {
  const window = windows[index % windows.length] as Observation;
  const begun = performance.now();
  await policy.decide(window);
  return performance.now() - begun;
}
