#!/usr/bin/env node
/** What a server adds to a decision: `npm run bench:server`, or `node dist/bench/server.js --help`. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { summarize } from '../src/foundation/statistics.js';
import { describeEnvironment } from '../src/platform/node/environment.js';
import type { Policy } from '../src/policy/policy.js';
import { encodeMessage, type Packable } from '../src/server/msgpack/encode.js';
import { NdArray } from '../src/server/nd-array.js';
import type { ServedPolicy } from '../src/server/served-policy.js';
import { servePolicy } from '../src/sockets/openpi/serve-policy.js';
import type { ObservationInfo } from '../src/spec/policy-spec.js';
import { integerOption, isUsageError } from '../src/terminal/options.js';
import { print, printError, printJson } from '../src/terminal/output.js';
import { table } from '../src/terminal/table.js';

const USAGE = `usage: node dist/bench/server.js [options]

Measures the turns of an openpi client, in a process of its own, with a policy that decides at once: all of a turn is the server's, the socket's, and the
client's. An observation of a state, and one of two pictures of 480 × 640; each also with the package ws alone, which reads the same messages and
answers with as many bytes. Columns "server" and "client" are processor time.

  --requests N   of each (default 2000)
  --json         print the record as JSON`;

const STATE: ObservationInfo = { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 14 };
const camera = (name: string): ObservationInfo => ({
  kind: 'image',
  name,
  feature: name,
  height: 480,
  width: 640,
  channels: 3,
  features: 64,
});

/** A policy that always decides the same. */
function instant(observations: readonly ObservationInfo[]): Policy {
  const actions = new Float32Array(8 * 14);
  const policy = {
    info: {
      name: 'instant',
      observations,
      observationSteps: 2,
      actionSteps: 8,
      actionDim: 14,
      horizon: 16,
      strategy: 'none',
      precision: 'f32',
      adapter: { description: 'none' },
    },
    beginEpisode: () => ({}),
    warmup: async () => {},
    reload: async () => {},
    decideAllSettled: async (requests: readonly unknown[]) =>
      requests.map(() => ({ status: 'fulfilled', value: { actions, latencyMs: 0 } })),
  };
  return policy as unknown as ServedPolicy as Policy;
}

/** What is sent, and what reads it. */
const CASES = {
  state: { name: 'a state', cameras: 0 },
  pictures: { name: 'two pictures', cameras: 2 },
} as const;
type Case = keyof typeof CASES;

const CAMERAS = ['observation.images.left', 'observation.images.right'];

function messageOf(which: Case): Uint8Array {
  const state = NdArray.ofFloats(new Float32Array(14), [14]);
  const picture = new NdArray('|u1', [480, 640, 3], new Uint8Array(480 * 640 * 3).fill(7));
  const images: Readonly<Record<string, Packable>> = CASES[which].cameras === 0 ? {} : { images: { left: picture, right: picture } };
  return encodeMessage({ 'observation/state': state, ...images });
}

interface Turns {
  readonly name: string;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of a turn in the server's process, in milliseconds. */
  readonly server: number;
  /** The same of the client's. */
  readonly client: number;
}

/** What the client's process tells. */
interface ClientTimes {
  readonly times: readonly number[];
  readonly processor: number;
}

/** Turns of a client in a process of its own with a server in this one. */
async function measure(name: string, which: Case, url: string, requests: number): Promise<Turns> {
  const child = fork(fileURLToPath(import.meta.url), ['--client', url, '--case', which, '--requests', String(requests)]);
  const told = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [undefined])])) as [unknown];
    if (message === undefined) throw new Error("the client's process ended");
    return message;
  };
  await told();
  const before = process.cpuUsage();
  child.send('go');
  const { times, processor } = (await told()) as ClientTimes;
  const { user, system } = process.cpuUsage(before);
  child.disconnect();
  const { p50, p99 } = summarize(times, ['p50', 'p99']) as { p50: number; p99: number };
  return { name, bytes: messageOf(which).length, p50, p99, server: (user + system) / 1000 / requests, client: processor };
}

async function measureServer(which: Case, requests: number): Promise<Turns> {
  const observations = [STATE, ...CAMERAS.slice(0, CASES[which].cameras).map(camera)];
  const server = await servePolicy(instant(observations), { port: 0, tickMs: 100, maxBatch: 1 });
  try {
    return await measure(CASES[which].name, which, server.url, requests);
  } finally {
    await server.close();
  }
}

/** The socket library alone: it reads the message and answers with as many bytes as a chunk has, and nobody looks at either. */
async function measureSocket(which: Case, requests: number): Promise<Turns> {
  const answer = encodeMessage({ actions: NdArray.ofFloats(new Float32Array(8 * 14), [8, 14]) });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, maxPayload: 64 * 2 ** 20 });
  server.on('connection', (socket) => {
    socket.send(answer);
    socket.on('message', () => socket.send(answer));
  });
  await once(server, 'listening');
  try {
    return await measure(`${CASES[which].name}, ws alone`, which, `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests);
  } finally {
    server.close();
  }
}

/** The client's process: some turns to get warm, then, at a word, those that count. */
async function runClient(url: string, which: Case, requests: number): Promise<void> {
  const message = messageOf(which);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  // What a server says to close with is not asked for: the client leaves first.
  await once(socket, 'message');
  const turn = async (): Promise<number> => {
    const started = performance.now();
    const answered = once(socket, 'message');
    socket.send(message);
    await answered;
    return performance.now() - started;
  };
  for (let i = 0; i < requests / 5; i++) await turn();
  const told = once(process, 'message');
  process.send?.('warm');
  await told;
  const before = process.cpuUsage();
  const times: number[] = [];
  for (let i = 0; i < requests; i++) times.push(await turn());
  const { user, system } = process.cpuUsage(before);
  socket.close();
  await once(socket, 'close');
  process.send?.({ times, processor: (user + system) / 1000 / requests } satisfies ClientTimes);
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      client: { type: 'string' },
      case: { type: 'string' },
    },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const requests = integerOption('requests', values.requests, 10) ?? 2000;
  if (values.client !== undefined) {
    await runClient(values.client, values.case === 'pictures' ? 'pictures' : 'state', requests);
    return 0;
  }
  const environment = describeEnvironment();
  const turns: Turns[] = [];
  for (const which of ['state', 'pictures'] as const)
    turns.push(await measureServer(which, requests), await measureSocket(which, requests));
  if (values.json) printJson({ environment, turns });
  else {
    const rows = turns.map(({ name, bytes, p50, p99, server, client }) => [
      name,
      String(bytes),
      ...[p50, p99, server, client].map((ms) => ms.toFixed(3)),
    ]);
    print(
      `load average ${environment.loadAverage.join(', ')}\n\n${table(['observation', 'bytes', 'p50 ms', 'p99 ms', 'server ms', 'client ms'], rows)}`,
    );
  }
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!isUsageError(error)) throw error;
    printError(`${error.message}\n\n${USAGE}`);
    return 2;
  });
}
