import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from '../../foundation/setup-error.js';

const OPEN_MS = 10_000;
const POLL_MS = 10;
const HELP = 'It is a package of most systems: apt install socat, brew install socat.';

/** A pseudo-terminal that other programs open as a serial port; joined to this process by socat, since Node makes none. */
export class PseudoTerminal {
  /** What other programs open. */
  readonly path: string;
  /** Resolves when socat has ended, with why. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcessWithoutNullStreams;
  #holder: FileHandle | undefined;

  private constructor(child: ChildProcessWithoutNullStreams, path: string) {
    this.#child = child;
    this.path = path;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-500);
    });
    // A write to a socat that is gone; why it is gone is said by `ended`.
    child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      child.on('error', ({ message, code }: NodeJS.ErrnoException) => {
        resolve(code === 'ENOENT' ? `a pseudo-terminal needs the program socat, which is not installed. ${HELP}` : `socat: ${message}`);
      });
      child.on('close', (code, signal) => resolve(`socat ended (${signal ?? `code ${code}`})${said === '' ? '' : `: ${said.trim()}`}`));
    });
  }

  /**
   * Makes one, whose name lies in a folder as a link.
   * @throws SetupError where something is there already, or socat is not.
   */
  static async open(folder: string, name: string): Promise<PseudoTerminal> {
    if (process.platform === 'win32')
      throw new SetupError('a pseudo-terminal needs Linux or macOS: on Windows use SimulatedArm in a program.');
    const path = join(folder, name);
    await makeRoom(path);
    // In its folder: a name of ours needs no quotes in socat's language.
    const child = spawn('socat', [`PTY,raw,echo=0,link=${name}`, '-'], { cwd: folder, stdio: 'pipe' });
    const terminal = new PseudoTerminal(child, path);
    let problem: string | undefined;
    void terminal.ended.then((why) => {
      problem = why;
    });
    for (let waitedMs = 0; !(await exists(path)); waitedMs += POLL_MS) {
      if (waitedMs > OPEN_MS) problem ??= `socat made no ${path} within ${OPEN_MS / 1000} s`;
      if (problem !== undefined) {
        child.kill();
        throw new SetupError(`${path}: ${problem}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    // Without anybody who has it open, the first program that closes it would be the last one.
    try {
      terminal.#holder = await open(path, constants.O_RDWR | constants.O_NOCTTY);
    } catch (error) {
      child.kill();
      await terminal.ended;
      throw new SetupError(`${path}: the pseudo-terminal that socat made cannot be opened: ${(error as Error).message}`, { cause: error });
    }
    return terminal;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#child.stdout.on('data', listener);
  }

  write(bytes: Uint8Array): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(bytes);
  }

  async close(): Promise<void> {
    await this.#holder?.close();
    this.#child.kill();
    await this.ended;
    await rm(this.path, { force: true });
  }
}

/** Takes a link away that leads nowhere any more. @throws SetupError for anything else that is there. */
async function makeRoom(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (found.isSymbolicLink() && !(await exists(path))) return rm(path);
  const what = found.isSymbolicLink()
    ? 'another simulation may be running there: end it'
    : 'something is there that is no port: take it away';
  throw new SetupError(`${path}: ${what}, or name another folder.`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
