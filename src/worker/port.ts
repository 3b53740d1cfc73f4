import { OptionError } from '../foundation/errors.js';
import { checkMethods } from '../foundation/options.js';

/**
 * Something that messages go to and come from: a `Worker` or a worker's `self` in browsers and Deno, a `Worker` or `parentPort` of
 * Node's worker_threads.
 */
export interface MessagePortLike {
  /** The type `never` makes every runtime's own declaration fit; what is handed over is a list of buffers. */
  postMessage(message: unknown, transfer: never): void;
}

/** The two ways in which runtimes tell of messages. */
interface Listening {
  addEventListener?(type: string, listener: (event: { data?: unknown; message?: unknown }) => void): void;
  on?(type: string, listener: (value: unknown) => void): void;
  /** Of a worker that was started from here. */
  terminate?(): unknown;
}

export interface PortListeners {
  readonly onMessage: (message: unknown) => void;
  /** The other side cannot be reached any more, or sent what cannot be read. */
  readonly onFailure: (why: string) => void;
}

/** @throws OptionError for what is no port. */
export function listen(where: string, port: unknown, { onMessage, onFailure }: PortListeners): void {
  checkMethods(where, 'worker', port, 'a Worker, or the scope or port of one', ['postMessage']);
  const given = port as Listening;
  // A Worker of Node has both, and tells of its end by the second alone.
  if (typeof given.on === 'function') {
    given.on('message', onMessage);
    given.on('messageerror', () => onFailure('a message could not be read'));
    given.on('error', (error) => onFailure(String((error as Error | undefined)?.message ?? error)));
    given.on('exit', (code) => onFailure(`it ended with code ${String(code)}`));
  } else if (typeof given.addEventListener === 'function') {
    given.addEventListener('message', ({ data }) => onMessage(data));
    given.addEventListener('messageerror', () => onFailure('a message could not be read'));
    given.addEventListener('error', ({ message }) => onFailure(String(message ?? 'its script could not be loaded or threw')));
  } else {
    throw new OptionError(`${where}: worker must be a Worker, or the scope or port of one, found something without addEventListener.`);
  }
}

/** Buffers of arrays that nobody keeps, so that they move instead of being copied. */
export function post(port: MessagePortLike, message: unknown, arrays: readonly ArrayBufferView[] = []): void {
  const buffers = new Set(arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer && buffer.byteLength > 0));
  port.postMessage(message, [...buffers] as never);
}
