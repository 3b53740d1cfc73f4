#!/usr/bin/env node
/** What a server adds to a decision: `npm run bench:server`, or `node dist/bench/server.js --help`. */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
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

Measures the turns of an openpi client with a policy that decides at once: all of a turn is the server's, the socket's, and the client's, which
runs in the same process. An observation of a state, and one of two pictures of 480 × 640.

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

interface Turns {
  readonly name: string;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of a turn, server and client together, in milliseconds. */
  readonly processor: number;
}

async function measure(name: string, observations: readonly ObservationInfo[], message: Uint8Array, requests: number): Promise<Turns> {
  const server = await servePolicy(instant(observations), { port: 0, tickMs: 100, maxBatch: 1 });
  const socket = new WebSocket(server.url, { perMessageDeflate: false });
  let received = (): void => {};
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      received = resolve;
    });
  socket.on('message', () => received());
  socket.on('close', (_, reason) => printError(`the connection was closed: ${reason}`));
  await next();
  const turn = async (): Promise<number> => {
    const started = performance.now();
    const answered = next();
    socket.send(message);
    await answered;
    return performance.now() - started;
  };
  for (let i = 0; i < requests / 5; i++) await turn();
  const before = process.cpuUsage();
  const times: number[] = [];
  for (let i = 0; i < requests; i++) times.push(await turn());
  const { user, system } = process.cpuUsage(before);
  socket.terminate();
  await server.close();
  const { p50, p99 } = summarize(times, ['p50', 'p99']) as { p50: number; p99: number };
  return { name, bytes: message.length, p50, p99, processor: (user + system) / 1000 / requests };
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { requests: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const requests = integerOption('requests', values.requests, 10) ?? 2000;
  const environment = describeEnvironment();
  const state = NdArray.ofFloats(new Float32Array(14), [14]);
  const picture = new NdArray('|u1', [480, 640, 3], new Uint8Array(480 * 640 * 3).fill(7));
  const message = (pictures: Readonly<Record<string, Packable>>): Uint8Array => encodeMessage({ 'observation/state': state, ...pictures });
  const cameras = ['observation.images.left', 'observation.images.right'];
  const turns = [
    await measure('a state', [STATE], message({}), requests),
    await measure('two pictures', [STATE, ...cameras.map(camera)], message({ images: { left: picture, right: picture } }), requests),
  ];
  if (values.json) printJson({ environment, turns });
  else {
    const rows = turns.map(({ name, bytes, p50, p99, processor }) => [
      name,
      String(bytes),
      ...[p50, p99, processor].map((ms) => ms.toFixed(3)),
    ]);
    print(
      `load average ${environment.loadAverage.join(', ')}\n\n${table(['observation', 'bytes', 'p50 ms', 'p99 ms', 'processor ms'], rows)}`,
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
