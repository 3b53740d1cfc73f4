import type { SerialLine } from '../port.js';

/** A line within the process: what is written is answered in a moment of its own, as by a wire. */
export class MemoryLine implements SerialLine {
  readonly #answer: (bytes: Uint8Array) => Uint8Array;
  readonly #onEnd: () => void;
  readonly #data: ((bytes: Uint8Array) => void)[] = [];
  readonly #closed: ((why: string) => void)[] = [];
  #why: string | undefined;

  /** `answer`: what comes back for bytes; `onEnd`: called once when the line is gone. */
  constructor(answer: (bytes: Uint8Array) => Uint8Array, onEnd: () => void) {
    this.#answer = answer;
    this.#onEnd = onEnd;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#why !== undefined) throw new Error(this.#why);
    const answer = this.#answer(bytes);
    if (answer.length === 0) return;
    queueMicrotask(() => {
      if (this.#why !== undefined) return;
      for (const listener of this.#data) listener(answer);
    });
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data.push(listener);
  }

  onClose(listener: (why: string) => void): void {
    this.#closed.push(listener);
  }

  async close(): Promise<void> {
    this.end('it was closed');
  }

  /** Once; a second time nothing. */
  end(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#onEnd();
    for (const listener of this.#closed) listener(why);
  }
}
