import { vi } from 'vitest';
import { dispatch } from '../../src/cli/dispatch.js';

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
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
  try {
    return { code: await dispatch(args), ...written };
  } finally {
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
  return new URL(`../../${path}`, import.meta.url).pathname;
}
