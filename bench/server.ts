#!/usr/bin/env node
/** What a server adds to a decision: `npm run bench:server`, or `node dist/bench/server.js --help`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeEnvironment } from '../src/platform/node/environment.js';
import { parseCommandLine } from '../src/terminal/command-line.js';
import { atMost, integerOption } from '../src/terminal/options.js';
import { print, printError, printJson } from '../src/terminal/output.js';
import { table } from '../src/terminal/table.js';
import { runScript } from '../tools/script.js';
import { contest, type Turns } from './server/contest.js';
import { installNativeMasks, SERVER_FOLDER } from './server/install.js';

const USAGE = `usage: node dist/bench/server.js [options]

Measures the turns of an openpi client with a policy that decides at once: all of a turn is the server's, the socket's, and the client's, each in a process
of its own. An observation of a state, and one of two pictures of 480 × 640; each also with the package ws alone, which reads the same messages and answers
with as many bytes; and all of that with the native package bufferutil, which is installed into bench/server at the first run, and without it
(WS_NO_BUFFER_UTIL=1), in rounds that alternate. Columns "server" and "client" are processor time of a turn, the median of the rounds.

  --requests N   turns of a round (default 300)
  --rounds N     (default 7)
  --json         print the record as JSON`;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function report(turns: readonly Turns[]): string {
  const rows = turns.map(({ name, kind, masks, bytes, p50, p99, server, client }) => [
    kind === 'ws' ? `${name}, ws alone` : name,
    masks === 'native' ? 'bufferutil' : 'JavaScript',
    String(bytes),
    ...[p50, p99, server, client].map((ms) => ms.toFixed(3)),
  ]);
  return table(['observation', 'masks', 'bytes', 'p50 ms', 'p99 ms', 'server ms', 'client ms'], rows);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, {
    requests: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'boolean' },
  });
  atMost(positionals, 0);
  const options = {
    requests: integerOption('requests', values.requests, 1) ?? 300,
    rounds: integerOption('rounds', values.rounds, 1) ?? 7,
    folder: join(ROOT, SERVER_FOLDER),
  };
  const missing = installNativeMasks(ROOT);
  if (missing !== undefined) printError(`${missing}: what is measured is ws without it, unless it is found elsewhere.`);
  const environment = describeEnvironment();
  const turns: Turns[] = [];
  for (const which of ['state', 'pictures'] as const) turns.push(...(await contest(which, options)));
  if (values.json) printJson({ environment, ...options, turns });
  else print(`load average ${environment.loadAverage.join(', ')}\n\n${report(turns)}`);
  return 0;
}

await runScript('node dist/bench/server.js', USAGE, main);
