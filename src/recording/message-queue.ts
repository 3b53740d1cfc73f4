import type { QueuedMessage, RecordingWriter } from './writer.js';

/** Writing pauses for the timers of the loop after so long. */
const SLICE_MS = 1;
const MOST_MESSAGES = 2 ** 16;

/**
 * Messages between the loop, which must not wait, and the sink, which may take its time. `push` only keeps a message; it is made and
 * written later, in slices between which timers run. What does not fit is dropped and counted, the newest first: what was kept stays whole.
 */
export class MessageQueue {
  readonly #writer: RecordingWriter;
  readonly #mostBytes: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #dropped = new Map<string, number>();
  #messages: QueuedMessage[] = [];
  #bytes = 0;
  #written = 0;
  #draining: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(writer: RecordingWriter, mostBytes: number, onFailure: (error: unknown) => void) {
    this.#writer = writer;
    this.#mostBytes = mostBytes;
    this.#onFailure = onFailure;
  }

  get written(): number {
    return this.#written;
  }

  /** Messages that were dropped, by topic. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped;
  }

  /** Returns whether the message is kept. */
  push(message: QueuedMessage): boolean {
    if (this.#failure || this.#messages.length >= MOST_MESSAGES || this.#bytes + message.cost > this.#mostBytes) {
      this.#dropped.set(message.topic, (this.#dropped.get(message.topic) ?? 0) + 1);
      return false;
    }
    this.#messages.push(message);
    this.#bytes += message.cost;
    this.#draining ??= this.#drain();
    return true;
  }

  /** Resolves when all that was pushed is written. @throws what writing threw. */
  async settled(): Promise<void> {
    await this.#draining;
    if (this.#failure) throw this.#failure.error;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#messages.length > 0) {
        await new Promise<void>((resolve) => void setTimeout(resolve, 0));
        await this.#writeSlice();
      }
    } catch (error) {
      this.#failure = { error };
      for (const { topic } of this.#messages) this.#dropped.set(topic, (this.#dropped.get(topic) ?? 0) + 1);
      this.#messages = [];
      this.#bytes = 0;
      this.#onFailure(error);
    } finally {
      this.#draining = undefined;
    }
  }

  async #writeSlice(): Promise<void> {
    const until = performance.now() + SLICE_MS;
    let count = 0;
    try {
      do {
        const message = this.#messages[count] as QueuedMessage;
        await this.#writer.message(message);
        this.#bytes -= message.cost;
        this.#written++;
        count++;
      } while (count < this.#messages.length && performance.now() < until);
    } finally {
      this.#messages.splice(0, count);
    }
  }
}
