import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** How a child process ended. */
export interface Outcome {
  readonly status: 'ok' | 'failed' | 'out of time';
  readonly seconds: number;
  /** Its exit code or the signal that ended it. */
  readonly ended: string;
  /** The end of what it said on standard error, where it did not succeed. */
  readonly said: string;
}

/** Characters of standard error that are kept. */
const SAID = 2000;

/**
 * Runs a program with a limit of time, its output in files. It leads a group of its own, so that what it started ends
 * with it.
 */
export async function runStep(
  command: string,
  args: readonly string[],
  files: { readonly stdout: string; readonly stderr: string },
  limitSeconds: number,
): Promise<Outcome> {
  const started = performance.now();
  const [out, err] = [openSync(files.stdout, 'w'), openSync(files.stderr, 'w')];
  const child = spawn(command, args, { stdio: ['ignore', out, err], detached: true });
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup();
  }, limitSeconds * 1000);
  const interrupted = (): void => {
    endGroup();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const ended = await new Promise<string>((resolve) => {
      child.on('error', ({ message }) => resolve(message));
      child.on('exit', (code, signal) => resolve(signal ?? String(code)));
    });
    const status = late ? 'out of time' : ended === '0' ? 'ok' : 'failed';
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    return { status, seconds, ended, said: status === 'ok' ? '' : readFileSync(files.stderr, 'utf8').slice(-SAID) };
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    closeSync(out);
    closeSync(err);
  }
}
