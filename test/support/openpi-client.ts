import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Answer, answerOf, pack, plain, unpack } from './openpi.js';

type Received = { readonly bytes: Uint8Array } | { readonly text: string } | { readonly close: number; readonly reason: string };

/** A client that keeps what it receives, in order, for a test to look at one by one. */
export class OpenpiClient {
  readonly socket: WebSocket;
  readonly #received: Received[] = [];
  readonly #waiting: ((received: Received) => void)[] = [];

  constructor(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket.on('message', (data, isBinary) =>
      this.#receive(isBinary ? { bytes: new Uint8Array(data as Buffer) } : { text: String(data) }),
    );
    this.socket.on('close', (close, reason) => this.#receive({ close, reason: String(reason) }));
    this.socket.on('error', () => {});
  }

  /** A client that was greeted, and what with. */
  static async connect(
    url: string,
    options: ConstructorParameters<typeof WebSocket>[2] = {},
  ): Promise<{ client: OpenpiClient; metadata: Readonly<Record<string, unknown>> }> {
    const client = new OpenpiClient(url, options);
    const first = await client.next();
    if (!('bytes' in first)) throw new Error(`no greeting: ${JSON.stringify(first)}`);
    return { client, metadata: plain(unpack(first.bytes)) as Readonly<Record<string, unknown>> };
  }

  /** The HTTP status with which a connection is refused. */
  static async refusal(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}): Promise<number | undefined> {
    const { socket } = new OpenpiClient(url, options);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { readonly statusCode?: number; destroy(): void }];
    response.destroy();
    return response.statusCode;
  }

  next(): Promise<Received> {
    const received = this.#received.shift();
    return received ? Promise.resolve(received) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(observation: Readonly<Record<string, unknown>>): void {
    this.socket.send(pack(new Map(Object.entries(observation))));
  }

  async answer(): Promise<Answer> {
    const received = await this.next();
    if (!('bytes' in received)) throw new Error(`no answer: ${JSON.stringify(received)}`);
    return answerOf(received.bytes);
  }

  ask(observation: Readonly<Record<string, unknown>>): Promise<Answer> {
    this.send(observation);
    return this.answer();
  }

  #receive(received: Received): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(received);
    else this.#received.push(received);
  }
}
