import { openDevice } from '../platform/node/device.js';
import { loadPolicy } from '../platform/node/load-policy.js';
import type { LoadPolicyOptions } from '../platform/options.js';
import type { LoadProgress, OnLoadProgress } from '../policy/load-progress.js';
import type { Policy } from '../policy/policy.js';
import type { ComputeDevice, Profile } from '../runtime/device.js';
import { bytes } from '../terminal/format.js';
import { given } from '../terminal/options.js';
import { printNote } from '../terminal/output.js';
import { Progress } from '../terminal/progress.js';

/** What the command line says about the device; what it leaves out, environment variables and defaults decide. */
export interface DeviceChoice {
  readonly adapter: string | undefined;
  readonly profile: Profile | undefined;
  readonly timing?: boolean;
  readonly variants?: 'shipped';
}

/** The networks that the command line names, for `loadPolicy`. */
export function networksFrom(predictor: string | undefined, methods: readonly string[] = []): LoadPolicyOptions['networks'] {
  if (predictor === undefined && methods.length === 0) return undefined;
  return { ...(predictor === undefined ? {} : { predictor }), ...(methods.length === 0 ? {} : { methods }) };
}

/** A device for the time of a task; disposed of however the task ends. */
export async function withDevice<T>(choice: DeviceChoice, task: (device: ComputeDevice) => Promise<T>): Promise<T> {
  const device = await openDevice(given(choice));
  for (const warning of device.warnings) printNote(warning);
  try {
    return await task(device);
  } finally {
    device.dispose();
  }
}

/** A policy for the time of a task, with progress while it is loaded; disposed of however the task ends. */
export async function withPolicy<T>(
  source: Parameters<typeof loadPolicy>[0],
  options: LoadPolicyOptions,
  task: (policy: Policy) => Promise<T>,
): Promise<T> {
  const progress = new Progress();
  const policy = await loadPolicy(source, { ...options, onProgress: showLoading(progress) }).finally(() => progress.done());
  try {
    return await task(policy);
  } finally {
    await policy.dispose();
  }
}

/** Shows how far loading is, kernel by kernel where that is what takes time. */
export function showLoading(progress: Pick<Progress, 'update'>): OnLoadProgress {
  return (fraction, at) => progress.update(`loading ${Math.floor(fraction * 100)} %: ${stageText(at)}`);
}

function stageText({ stage, done, total, ...rest }: LoadProgress): string {
  if (stage === 'download') return `${bytes(done)} of ${bytes(total)} fetched`;
  if (!('kernel' in rest)) return `weights, block ${done} of ${total}`;
  return `${stage === 'kernels' ? 'compiled' : 'ran for the first time'} ${done} of ${total} kernels, last ${rest.kernel}`;
}

/** Name and driver of an adapter, for people; its profile where it is not the usual one. */
export function adapterName({ adapter }: { readonly adapter: ComputeDevice['adapter'] }): string {
  return `${adapter.description || adapter.device || 'unnamed'}${adapter.isFallback ? ' (software)' : ''}${adapter.profile === 'safe' ? '' : `, profile ${adapter.profile}`}`;
}
