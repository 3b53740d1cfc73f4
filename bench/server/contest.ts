import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, summarize } from '../../src/foundation/statistics.js';
import { CASES, type Case, messageOf } from './cases.js';
import type { ClientTurns, Kind, Listening, Processor } from './processes.js';

/** What the turns of one server were. Times in milliseconds. */
export interface Turns {
  readonly name: string;
  readonly kind: Kind;
  /** Who takes masks off. */
  readonly masks: Masks;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of a turn in the server's process, the median of the rounds. */
  readonly server: number;
  /** The same of the client's. */
  readonly client: number;
}

export type Masks = 'native' | 'javascript';

export interface ContestOptions {
  /** Turns of a round. */
  readonly requests: number;
  readonly rounds: number;
  /** Folder of this bench's own package.json, from the root of the package. */
  readonly folder: string;
}

const PROCESSES = fileURLToPath(new URL('processes.js', import.meta.url));

/** A server and its client, each in a process of its own. */
class Contender {
  readonly name: string;
  readonly kind: Kind;
  readonly masks: Masks;
  readonly #which: Case;
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;
  readonly #times: number[] = [];
  readonly #rounds: { readonly server: number; readonly client: number }[] = [];

  private constructor(kind: Kind, masks: Masks, which: Case, server: ChildProcess, client: ChildProcess) {
    this.name = CASES[which].name;
    this.kind = kind;
    this.masks = masks;
    this.#which = which;
    this.#server = server;
    this.#client = client;
  }

  /** Undefined where masks were to be native and are not. */
  static async start(kind: Kind, masks: Masks, which: Case, env: NodeJS.ProcessEnv): Promise<Contender | undefined> {
    const { WS_NO_BUFFER_UTIL: _, ...rest } = env;
    const server = fork(PROCESSES, ['serve', kind, which], { env: masks === 'native' ? rest : { ...rest, WS_NO_BUFFER_UTIL: '1' } });
    const { url, isNative } = (await told(server)) as Listening;
    if (masks === 'native' && !isNative) {
      server.disconnect();
      return undefined;
    }
    // Clients are alike, whatever the server does.
    const client = fork(PROCESSES, ['client', url, which], { env: rest });
    await told(client);
    return new Contender(kind, masks, which, server, client);
  }

  async round(turns: number, counts: boolean): Promise<void> {
    const before = await this.#processor();
    this.#client.send(turns);
    const { times, processor } = (await told(this.#client)) as ClientTurns;
    const server = ((await this.#processor()) - before) / turns;
    if (!counts) return;
    this.#times.push(...times);
    this.#rounds.push({ server, client: processor / turns });
  }

  get turns(): Turns {
    const { p50, p99 } = summarize(this.#times, ['p50', 'p99']) as { p50: number; p99: number };
    const server = median(this.#rounds.map((round) => round.server));
    const client = median(this.#rounds.map((round) => round.client));
    return { name: this.name, kind: this.kind, masks: this.masks, bytes: messageOf(this.#which).length, p50, p99, server, client };
  }

  end(): void {
    for (const process of [this.#client, this.#server]) if (process.connected) process.disconnect();
  }

  async #processor(): Promise<number> {
    this.#server.send('processor');
    return ((await told(this.#server)) as Processor).processor;
  }
}

/** The next word of a process. @throws Error where it ends. */
function told(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      resolve(message);
    };
    const onExit = (): void => {
      child.off('message', onMessage);
      reject(new Error('a process of the bench ended'));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}

/** The variables with which `ws` finds what is installed in the folder. */
function environment(folder: string): NodeJS.ProcessEnv {
  const installed = join(folder, 'node_modules');
  if (!existsSync(installed)) return process.env;
  return { ...process.env, NODE_PATH: [installed, ...(process.env['NODE_PATH'] ? [process.env['NODE_PATH']] : [])].join(delimiter) };
}

/** Turns of one kind of observation with every server, in rounds that alternate between them. */
export async function contest(which: Case, { requests, rounds, folder }: ContestOptions): Promise<Turns[]> {
  const contenders: Contender[] = [];
  try {
    for (const kind of ['warmstep', 'ws'] as const) {
      for (const masks of ['native', 'javascript'] as const) {
        const started = await Contender.start(kind, masks, which, environment(folder));
        if (started) contenders.push(started);
      }
    }
    for (const contender of contenders) await contender.round(Math.ceil(requests / 2), false);
    for (let round = 0; round < rounds; round++) {
      // There and back, so that what changes with time meets all of them alike.
      for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) await contender.round(requests, true);
    }
    return contenders.map(({ turns }) => turns);
  } finally {
    for (const contender of contenders) contender.end();
  }
}
