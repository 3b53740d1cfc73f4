import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { dispatch } from '../../src/cli/dispatch.js';
import { ComputeDevice, type OpenDeviceOptions } from '../../src/runtime/device.js';
import { sharedTestDevice } from './device.js';

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Kept for good: a GPU that is collected while something of it lives ends the process. */
const gpus: (GPU | undefined)[] = [];

/**
 * What a command opens is a device that the suite shares, so that not every command compiles its kernels again: a device on
 * the adapter that the command chose, with the options that it chose. Tables of variants get a device of their own.
 */
function shareDevices(): () => void {
  // A test that has its own idea of a device keeps it.
  if (vi.isMockFunction(ComputeDevice.open)) return () => {};
  const open = ComputeDevice.open.bind(ComputeDevice);
  const spy = vi.spyOn(ComputeDevice, 'open').mockImplementation(async (options: OpenDeviceOptions = {}) => {
    const { gpu, variants, transformShader, powerPreference, ...rest } = options;
    gpus.push(gpu as GPU | undefined);
    if (variants ?? transformShader ?? powerPreference) return open(options);
    const adapter = await (gpu as GPU | undefined)?.requestAdapter({ powerPreference: 'high-performance' });
    return sharedTestDevice({ ...rest, adapter: adapter?.info.description ?? 'none' }, () => open(options));
  });
  return () => spy.mockRestore();
}

/** Runs a command line in this process, as `warmstep ARGS…` would. */
export async function warmstep(...args: string[]): Promise<Captured> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  const unshare = shareDevices();
  try {
    return { code: await dispatch(args), ...written };
  } finally {
    unshare();
    for (const spy of spies) spy.mockRestore();
  }
}

/** The same, for commands that end well and print one JSON object. */
export async function warmstepJson<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await warmstep(...args, '--json');
  if (code !== 0) throw new Error(`warmstep ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** A path of the repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
