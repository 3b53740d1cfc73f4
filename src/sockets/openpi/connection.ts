import type { WebSocket } from 'ws';
import { DeviceLostError, WarmstepError } from '../../foundation/errors.js';
import { MessageError, ServerBusyError } from '../../server/errors.js';
import type { OpenpiSession } from '../../server/openpi/session.js';
import type { PolicyService } from '../../server/policy-service.js';
import type { ServedPolicy } from '../../server/served-policy.js';

export interface ConnectionSettings {
  /** Milliseconds without an observation after which it ends. */
  readonly idleMs: number;
  readonly now: () => number;
  readonly begin: (policy: ServedPolicy) => OpenpiSession;
  /** A request that was answered with an error, or a connection that ended with one. */
  readonly onFailure: (error: unknown) => void;
  readonly onClosed: () => void;
}

/** Close codes of RFC 6455. */
const GOING_AWAY = 1001;
const UNSUPPORTED = 1003;
const INTERNAL = 1011;

/** What openpi's reference says; its clients show the text before it. */
const CLOSE_REASON = 'Internal server error. Traceback included in previous frame.';

/** Messages that wait for their turn before no more are read from the socket: the protocol asks for one at a time. */
const MOST_PENDING = 4;
/** A client that takes no answer for so long is gone. */
const SEND_TIMEOUT_MS = 20_000;
/** For the other side's close frame, after ours. */
const CLOSE_TIMEOUT_MS = 2_000;

/** One client's websocket: its messages go through a session one after the other, and the answers leave in order. */
export class OpenpiConnection {
  readonly #socket: WebSocket;
  readonly #service: PolicyService;
  readonly #settings: ConnectionSettings;
  readonly #pending: { readonly bytes: Uint8Array; readonly at: number }[] = [];
  #session: OpenpiSession | undefined;
  #working = false;
  #ending = false;
  #isAlive = true;
  #heard: number;
  /** Resolves when it is over. */
  readonly closed: Promise<void>;

  constructor(socket: WebSocket, service: PolicyService, settings: ConnectionSettings) {
    this.#socket = socket;
    this.#service = service;
    this.#settings = settings;
    this.#heard = settings.now();
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // ws closes by itself where a frame is malformed or too large. A connection that was torn is no fault of anybody's.
    socket.on('error', (error) => {
      if (!('syscall' in error)) settings.onFailure(error);
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ending = true;
        this.#pending.length = 0;
        settings.onClosed();
        resolve();
      });
    });
    void this.#greet();
  }

  /** Called in intervals: a client that answered no ping since the last call, or sent nothing for too long, is let go. */
  check(): void {
    if (this.#ending) return;
    if (this.#settings.now() - this.#heard > this.#settings.idleMs && !this.#working && this.#session) {
      this.#close(GOING_AWAY, 'no observation for too long');
      return;
    }
    // While a request waits the socket may not be read, and with it no pong.
    if (!this.#isAlive && this.#pending.length === 0 && !this.#working) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  /** Ends it with a text that says why, as an error does. */
  fail(error: unknown): void {
    if (this.#ending) return;
    this.#socket.send(textOf(error));
    this.#close(INTERNAL, CLOSE_REASON);
  }

  /** The server stops: an answer that is being made still leaves. */
  leave(): void {
    this.#pending.length = 0;
    if (!this.#working) this.#close(GOING_AWAY, 'the server is stopping');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #greet(): Promise<void> {
    try {
      const policy = await this.#service.whenReady();
      if (this.#ending) return;
      const session = this.#settings.begin(policy);
      await this.#send(session.greeting());
      this.#heard = this.#settings.now();
      this.#session = session;
    } catch (error) {
      this.#report(error);
      return;
    }
    await this.#work();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ending) return;
    const at = this.#settings.now();
    this.#heard = at;
    if (!isBinary) {
      this.#socket.send('MessageError: observations are binary messages (MessagePack), found a text.');
      this.#settings.onFailure(new MessageError('a text message, where observations are binary ones'));
      this.#close(UNSUPPORTED, 'binary messages are expected');
      return;
    }
    // A Buffer's slice() would be a view.
    this.#pending.push({ bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at });
    if (this.#pending.length >= MOST_PENDING) this.#socket.pause();
    void this.#work();
  }

  async #work(): Promise<void> {
    const session = this.#session;
    if (!session || this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#pending.shift(); next && !this.#ending; next = this.#pending.shift()) {
        const answer = await session.answer(next.bytes, next.at);
        if (this.#ending) return;
        await this.#send(answer);
        session.sent();
        if (this.#pending.length < MOST_PENDING) this.#socket.resume();
      }
    } catch (error) {
      this.#report(error);
    } finally {
      this.#working = false;
    }
    if (this.#service.status === 'stopped') this.#close(GOING_AWAY, 'the server is stopping');
  }

  #report(error: unknown): void {
    // An answer to who has left meanwhile.
    if (this.#ending || this.#socket.readyState !== this.#socket.OPEN) return;
    // A request that was refused because the server stops, is refused by the stop.
    const isStopping = this.#service.status === 'stopped' && error instanceof ServerBusyError;
    if (!isStopping) this.#settings.onFailure(error);
    this.#socket.send(textOf(error));
    if (isStopping) this.#close(GOING_AWAY, 'the server is stopping');
    else this.#close(INTERNAL, CLOSE_REASON);
  }

  /** Resolves when the system has taken the bytes, so that a client that reads nothing cannot fill the memory. */
  #send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#socket.terminate(), SEND_TIMEOUT_MS);
      this.#socket.send(bytes, { binary: true }, (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  #close(code: number, reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#pending.length = 0;
    // A paused socket would never see the other side's close frame.
    this.#socket.resume();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS).unref();
  }
}

/** What a client is told: the engine's words where they are its own, and no stack of a stranger's machine. */
function textOf(error: unknown): string {
  if (error instanceof DeviceLostError) return `${error.name}: the device was lost: ${error.message} Connect again: the server reopens it.`;
  if (error instanceof WarmstepError) return `${error.name}: ${error.message}`;
  return 'InternalError: the request failed in the server; its log says why.';
}
