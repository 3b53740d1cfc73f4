import { expect } from 'vitest';
import { summarize } from '../../src/foundation/statistics.js';
import type { Policy } from '../../src/policy/policy.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { randomNumbers } from './changed-messages.js';
import { irregular, vectors } from './golden-policy.js';
import { floats } from './openpi.js';
import { OpenpiClient } from './openpi-client.js';
import { settledResources } from './resources.js';

const CLIENTS = 8;
/** Episodes that clients play, again and again; each has observations of its own. */
const EPISODES = 12;
/** Requests of an episode at most. */
const LENGTH = 12;
const LIMIT_BYTES = 8e6;

export interface SoakFacts {
  readonly requests: number;
  readonly episodes: number;
  readonly torn: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly heapGained: number;
}

/**
 * Eight clients play episodes against a server until they have made so many requests, and tear their connections at random, some with a request
 * under way. Fails where an answer has other bits than alone, where JavaScript keeps memory, or something stays open.
 */
export async function soakServer(policy: Policy, requests: number): Promise<SoakFacts> {
  const server = await servePolicy(policy, { port: 0, maxBatch: CLIENTS });
  try {
    await server.ready;
    const steps = policy.info.observationSteps;
    const observation = (episode: number, step: number): Record<string, unknown> =>
      Object.fromEntries(
        vectors(policy).map(({ name, size }) => [name, floats([...irregular(steps * size, 1000 * episode + step)], [steps, size])]),
      );
    const alone: (readonly number[])[][] = [];
    for (let episode = 0; episode < EPISODES; episode++) {
      const { client } = await OpenpiClient.connect(server.url);
      const answers: (readonly number[])[] = [];
      for (let step = 0; step < LENGTH; step++) answers.push((await client.ask(observation(episode, step))).actions.values);
      client.socket.close();
      alone.push(answers);
    }
    expect(new Set(alone.flat().map(String)).size).toBe(EPISODES * LENGTH);

    const latencies: number[] = [];
    let torn = 0;
    let episodes = 0;
    const play = async (random: () => number, most: number): Promise<void> => {
      let made = 0;
      while (made < most) {
        const episode = Math.floor(random() * EPISODES);
        const length = 1 + Math.floor(random() * LENGTH);
        const { client } = await OpenpiClient.connect(server.url);
        for (let step = 0; step < length && made < most; step++, made++) {
          const started = performance.now();
          const { actions } = await client.ask(observation(episode, step));
          latencies.push(performance.now() - started);
          expect(actions.values, `request ${step} of episode ${episode}`).toEqual(alone[episode]?.[step]);
        }
        episodes++;
        if (random() < 0.5) {
          // Half of these have a request under way, which nobody waits for.
          if (random() < 0.5) client.send(observation(episode, length % LENGTH));
          client.socket.terminate();
          torn++;
        } else client.socket.close();
      }
    };
    const round = (seed: number, share: number): Promise<unknown> =>
      Promise.all(Array.from({ length: CLIENTS }, (_, i) => play(randomNumbers(seed + i), Math.ceil((requests * share) / CLIENTS))));
    await round(1, 0.2);
    const before = await settledResources();
    await round(100, 0.8);
    while (!server.metrics().includes('warmstep_connections_open 0\n')) await new Promise((resolve) => setTimeout(resolve, 5));
    const after = await settledResources();
    const heapGained = after.heap - before.heap;
    expect(heapGained).toBeLessThan(LIMIT_BYTES);
    expect(server.metrics()).not.toMatch(/^warmstep_errors_total\{/m);
    expect(server.metrics()).toContain('warmstep_queue_length 0\n');
    const { p50, p99 } = summarize(latencies, ['p50', 'p99']) as { p50: number; p99: number };
    return { requests: latencies.length, episodes, torn, p50Ms: p50, p99Ms: p99, heapGained };
  } finally {
    await server.close();
  }
}
