/** The two processes of a measurement: `node processes.js serve|client …`, forked by `contest.ts`. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { whyMasksAreSlow } from '../../src/sockets/openpi/native-masks.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { answerBytes, type Case, instantPolicy, messageOf } from './cases.js';

/** What serves: warmstep, or the package ws alone. */
export type Kind = 'warmstep' | 'ws';

/** What a server's process tells when it listens. */
export interface Listening {
  readonly url: string;
  /** Whether masks are taken off in native code. */
  readonly isNative: boolean;
}

/** Milliseconds of processor time that a process took so far. */
export interface Processor {
  readonly processor: number;
}

/** What a client's process tells of its turns. */
export interface ClientTurns extends Processor {
  readonly times: readonly number[];
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function listen(kind: Kind, which: Case): Promise<string> {
  if (kind === 'warmstep') return (await servePolicy(instantPolicy(which), { port: 0, tickMs: 100, maxBatch: 1 })).url;
  // The socket library alone: it reads the message and answers with as many bytes as a chunk has, and nobody looks at either.
  const answer = answerBytes();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, maxPayload: 64 * 2 ** 20 });
  server.on('connection', (socket) => {
    socket.send(answer);
    socket.on('message', () => socket.send(answer));
  });
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Serves, and says at every word how much processor time it has taken. */
async function serve(kind: Kind, which: Case): Promise<void> {
  const url = await listen(kind, which);
  process.on('message', () => process.send?.({ processor: processorMs() } satisfies Processor));
  process.send?.({ url, isNative: whyMasksAreSlow() === undefined } satisfies Listening);
}

/** A client that makes as many turns at every word as it says. */
async function ask(url: string, which: Case): Promise<void> {
  const message = messageOf(which);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'message');
  const turn = async (): Promise<number> => {
    const started = performance.now();
    const answered = once(socket, 'message');
    socket.send(message);
    await answered;
    return performance.now() - started;
  };
  process.on('message', async (turns) => {
    const before = processorMs();
    const times: number[] = [];
    for (let i = 0; i < Number(turns); i++) times.push(await turn());
    process.send?.({ times, processor: processorMs() - before } satisfies ClientTurns);
  });
  process.send?.('connected');
}

const [role, first = '', which] = process.argv.slice(2);
// Who forked it has gone.
process.on('disconnect', () => process.exit(0));
await (role === 'serve' ? serve(first as Kind, which as Case) : ask(first, which as Case));
