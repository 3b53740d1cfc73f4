import { visible } from '../foundation/visible.js';

const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5_000;

/**
 * Tells on standard error how far long work is: a line that is rewritten in a terminal, a line every few seconds in a
 * log. What is over before the first of them is due stays silent.
 */
export class Progress {
  readonly #terminal = process.stderr.isTTY === true;
  #last = performance.now();
  #shown = false;

  /** Work goes on. */
  update(text: string): void {
    if (performance.now() - this.#last < (this.#terminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS)) return;
    this.phase(text);
  }

  /** Work of another kind begins: shown at once. */
  phase(text: string): void {
    this.#last = performance.now();
    this.#shown = true;
    const line = visible(text);
    process.stderr.write(this.#terminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  /** Takes the line away again. */
  done(): void {
    if (this.#terminal && this.#shown) process.stderr.write('\r\x1b[2K');
    this.#shown = false;
  }
}
