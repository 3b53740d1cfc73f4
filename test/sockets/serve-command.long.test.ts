import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { repositoryPath } from '../support/captured.js';
import { floats } from '../support/openpi.js';
import { OpenpiClient } from '../support/openpi-client.js';

/** Runs what is in `dist/`, as a service manager would. */
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

interface Event {
  readonly time: string;
  readonly event: string;
  readonly message: string;
}

class Served {
  readonly child: ChildProcess;
  readonly events: Event[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(...args: readonly string[]) {
    const child = spawn(process.execPath, [repositoryPath('dist/src/cli/main.js'), 'serve', ...args, '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    running.push(child);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.events.push(JSON.parse(line) as Event);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  async until(event: string): Promise<Event> {
    for (;;) {
      const found = this.events.find((one) => one.event === event);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async url(): Promise<string> {
    return / at (\S+)$/.exec((await this.until('listening')).message)?.[1] as string;
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

const state = {
  'observation.state': floats([256, 256]),
  'observation.environment_state': floats(Array.from({ length: 16 }, (_, i) => 200 + 5 * i)),
};

describe('warmstep serve', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('openpi serves the bundled policy, and %s ends it with 0 within five seconds', async (signal) => {
    const served = new Served('openpi', '--batch', '1', '--strategy', 'ddim:2');
    const url = await served.url();
    const health = async (): Promise<number> => (await fetch(`${url.replace('ws', 'http')}/healthz`)).status;
    expect(await health()).toBe(503);
    const { client, metadata } = await OpenpiClient.connect(url);
    expect(metadata).toMatchObject({ action_dim: 2, observation_steps: 2 });
    expect(await health()).toBe(200);
    const { actions } = await client.ask(state);
    expect([actions.shape, actions.values.every(Number.isFinite)]).toEqual([[8, 2], true]);
    const started = performance.now();
    served.child.kill(signal);
    expect(await client.next()).toMatchObject({ close: 1001 });
    expect(await served.ended()).toBe(0);
    expect(performance.now() - started).toBeLessThan(5500);
    expect(served.events.map(({ event }) => event)).toEqual(['listening', 'connected', 'ready', 'stopping', 'disconnected', 'stopped']);
  });

  it('can be stopped while it loads', async () => {
    const served = new Served('openpi');
    await served.until('listening');
    served.child.kill('SIGTERM');
    expect(await served.ended()).toBe(0);
    expect(served.events.some(({ event }) => event === 'ready')).toBe(false);
  });

  it('lerobot listens and stops', async () => {
    const served = new Served('lerobot', '--batch', '1', '--strategy', 'ddim:2');
    await served.until('ready');
    served.child.kill('SIGTERM');
    expect(await served.ended()).toBe(0);
  });
});
