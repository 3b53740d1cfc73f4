import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

type Parameters = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Parameters;
  readonly result?: Parameters;
  readonly error?: { readonly message: string };
}

export type EventListener = (method: string, params: Parameters) => void;

/** The Chrome DevTools Protocol over a pipe: JSON messages that end with a zero byte. */
export class DevTools {
  readonly #output: Writable;
  readonly #waiting = new Map<number, { resolve(result: Parameters): void; reject(error: Error): void }>();
  readonly #listeners = new Map<string, EventListener>();
  #lastId = 0;
  /** Rejects when the browser ends: nobody waits for what cannot come any more. */
  readonly #end: Promise<never>;

  /** `process` has the pipes 3 (to it) and 4 (from it). */
  constructor(process: ChildProcess) {
    this.#output = process.stdio[3] as Writable;
    const input = process.stdio[4] as Readable;
    let text = '';
    input.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (text + chunk).split('\0');
      text = messages.pop() as string;
      for (const message of messages) this.#receive(JSON.parse(message) as Message);
    });
    this.#end = new Promise((_, reject) => {
      process.on('error', reject);
      process.on('exit', (code, signal) => reject(new Error(`the browser ended (${signal ?? code})`)));
    });
    // It may end when nobody waits, as it should.
    this.#end.catch(() => undefined);
    // A browser that ends early breaks the pipe; 'exit' says so.
    this.#output.on('error', () => undefined);
  }

  /** Rejects with what the browser says is wrong. */
  send(method: string, params: Parameters = {}, sessionId?: string): Promise<Parameters> {
    const id = ++this.#lastId;
    const answer = new Promise<Parameters>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) });
      this.#output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
    return this.whileOpen(answer);
  }

  /** What `wait` brings, or a rejection when the browser ends first. */
  whileOpen<T>(wait: Promise<T>): Promise<T> {
    return Promise.race([wait, this.#end]);
  }

  /** Events of one session go to `listener`. */
  listen(sessionId: string, listener: EventListener): void {
    this.#listeners.set(sessionId, listener);
  }

  #receive({ id, sessionId, method, params, result, error }: Message): void {
    if (id === undefined) {
      if (method !== undefined && sessionId !== undefined) this.#listeners.get(sessionId)?.(method, params ?? {});
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result ?? {});
  }
}
