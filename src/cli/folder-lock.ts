import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SetupError } from '../foundation/setup-error.js';
import { fileProblem } from '../platform/node/file-problem.js';
import { OutputError } from '../platform/node/output-file.js';
import { readRegularFile } from '../platform/node/regular-file.js';

/** Who writes into a folder. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When the process began, as its system tells it, where it does: process numbers are given again. */
  readonly began: string | null;
}

/** Evaluations were the first that were locked; under another name two versions of Warmstep would not see each other. */
export const LOCK_FILE = 'evaluation.lock';
const MOST_BYTES = 4096;

/** What is done in a folder that is locked, for the message to whoever finds it so. */
export type LockedWork = 'evaluating' | 'training' | 'demonstrating';

/**
 * Keeps others that do the same out of a folder until the lock is released. What a process left that is no more (it crashed, the
 * machine was switched off) is taken over.
 * @throws SetupError where somebody else is at work, saying who; OutputError where the lock cannot be written.
 */
export function lockFolder(folder: string, work: LockedWork = 'evaluating'): { release(): void } {
  const file = join(folder, LOCK_FILE);
  const own = JSON.stringify({ host: hostname(), pid: process.pid, began: beginOf(process.pid) } satisfies Holder);
  // Once more after a lock was taken away that nobody holds.
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(file, own)) return { release: () => release(file, own) };
    const found = contentOf(file);
    if (found === undefined) continue;
    if (isHeld(found)) throw new SetupError(refusal(folder, file, found, work));
    takeAway(file, found);
  }
  throw new SetupError(`${folder}: others begin ${work} in this folder at the same time: choose another --output folder`);
}

/** Whether there was no file. Only one of several processes is told so. */
function create(file: string, content: string): boolean {
  try {
    const descriptor = openSync(file, 'wx');
    writeFileSync(descriptor, content);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new OutputError(`${file} cannot be written (${fileProblem(error)}): give another --output folder.`, { cause: error });
  }
}

function release(file: string, own: string): void {
  if (contentOf(file) === own) rmSync(file, { force: true });
}

function contentOf(file: string): string | undefined {
  try {
    return readRegularFile(file, MOST_BYTES).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SetupError(`${file} cannot be read (${fileProblem(error)}): choose another --output folder, or delete it`);
  }
}

/** Removes what was found, and not what somebody else has put there since. */
function takeAway(file: string, found: string): void {
  const aside = `${file}-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new OutputError(`${file} cannot be written (${fileProblem(error)}): give another --output folder.`, { cause: error });
  }
  try {
    if (contentOf(aside) !== found) linkSync(aside, file);
  } finally {
    rmSync(aside, { force: true });
  }
}

function isHeld(content: string): boolean {
  const holder = holderOf(content);
  // Of others nothing is known: better to ask than to write into their results.
  if (holder?.host !== hostname()) return true;
  return isAlive(holder.pid) && (holder.began === null || holder.began === beginOf(holder.pid));
}

function holderOf(content: string): Holder | undefined {
  try {
    const { host, pid, began } = JSON.parse(content) as Holder;
    const isHolder = typeof host === 'string' && Number.isSafeInteger(pid) && pid > 0 && (began === null || typeof began === 'string');
    return isHolder ? { host, pid, began } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Linux: the boot, and the clock tick of it that a process began in. Elsewhere null. */
function beginOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The name, in parentheses, may hold anything; the 22nd field is the 20th behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}

function refusal(folder: string, file: string, content: string, work: LockedWork): string {
  const holder = holderOf(content);
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return `${folder}: ${who} is ${work} into this folder: choose another --output folder, or delete ${file} if that is over`;
}
