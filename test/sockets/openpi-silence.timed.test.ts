import { expect, it } from 'vitest';
import type { Policy } from '../../src/policy/policy.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { OpenpiClient } from '../support/openpi-client.js';
import { PretendPolicy } from '../support/pretend-policy.js';

/** By the clock a quiet machine meets this at once; one that others use, in one of these. */
const TRIES = 10;

it('a server of openpi limits silence: 1001; a client that answers no ping is dropped, one that does stays', async () => {
  const server = await servePolicy(new PretendPolicy() as unknown as Policy, { port: 0, onEvent: () => {}, idleMs: 150, pingMs: 20 });
  await server.ready;
  try {
    const lived: unknown[] = [];
    for (let i = 0; i < TRIES && !lived.some((end) => end === 'idle'); i++) {
      const { client } = await OpenpiClient.connect(server.url);
      const end = await client.next();
      lived.push('close' in end && end.close === 1001 && end.reason === 'no observation for too long' ? 'idle' : end);
    }
    expect(lived).toContain('idle');
    let soonest = Infinity;
    for (let i = 0; i < TRIES && soonest >= 140; i++) {
      const { client } = await OpenpiClient.connect(server.url, { autoPong: false } as object);
      const started = performance.now();
      expect(await client.next()).toMatchObject({ close: 1006 });
      soonest = Math.min(soonest, performance.now() - started);
    }
    expect(soonest).toBeLessThan(140);
  } finally {
    await server.close();
  }
});
