import { visible, visibleJson, visibleLines } from '../foundation/visible.js';

/** Prints one line or block to standard output; everything that is not a result goes to standard error. */
export function print(text: string): void {
  process.stdout.write(`${visibleLines(text)}\n`);
}

/** Prints a result for programs. */
export function printJson(value: unknown): void {
  print(visibleJson(value, 2));
}

/** Prints a remark that is not part of the result, in one line. */
export function printNote(text: string): void {
  process.stderr.write(`note: ${visible(text)}\n`);
}

/** Prints a block that is not part of the result. */
export function printAside(text: string): void {
  process.stderr.write(`${visibleLines(text)}\n`);
}

/** Prints why a command did not do what it was asked for; what is to be one line, the caller makes one. */
export function printError(text: string): void {
  printAside(`warmstep: ${text}`);
}

/**
 * Ends the process with code 1 and one line where standard output takes no more: a full disk, a pipe whose reader is gone. What
 * cannot be told on standard error is left out.
 */
export function endOnBrokenOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    printError(
      `standard output ${code === 'EPIPE' ? 'was closed by its reader' : `takes no more (${visible(message)})`}: the rest is lost`,
    );
    process.exit(1);
  });
}
