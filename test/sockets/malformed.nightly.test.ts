import { describe, expect, it } from 'vitest';
import { WarmstepError } from '../../src/foundation/errors.js';
import type { Policy } from '../../src/policy/policy.js';
import { LeRobotSession } from '../../src/server/lerobot/session.js';
import { OpenpiSession } from '../../src/server/openpi/session.js';
import { PolicyService } from '../../src/server/policy-service.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { changed, randomNumbers } from '../support/changed-messages.js';
import { floats, ndarray, pack } from '../support/openpi.js';
import { OpenpiClient } from '../support/openpi-client.js';
import { pickledInstructions, pickledObservation } from '../support/pickles.js';
import { CAMERA, PretendPolicy, STATE } from '../support/pretend-policy.js';
import { settledResources } from '../support/resources.js';

const MESSAGES = Number(process.env['WARMSTEP_MESSAGES'] ?? 100_000);
const LIMIT_BYTES = 8e6;

const good = {
  'observation.state': floats([1, 2]),
  'observation/images/front': ndarray('|u1', [4, 6, 3], new Uint8Array(72)),
  prompt: 'push',
  reset: true,
};
const message = pack(new Map(Object.entries(good)));

/** What of so many calls with changed messages was refused; anything but an error of ours fails. Memory must not grow. */
async function flood(count: number, call: (index: number) => unknown): Promise<number> {
  let refused = 0;
  const run = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      try {
        await call(i);
      } catch (error) {
        if (!(error instanceof WarmstepError)) throw error;
        refused++;
      }
    }
  };
  await run(0, count / 5);
  const before = await settledResources();
  await run(count / 5, count);
  const after = await settledResources();
  expect(after.heap - before.heap).toBeLessThan(LIMIT_BYTES);
  return refused;
}

describe(`${MESSAGES} malformed messages`, () => {
  it('of openpi are an error each, or an answer where they are right by chance', async () => {
    const policy = new PretendPolicy({ observations: [STATE, CAMERA] });
    policy.windows.push = () => 0;
    const service = new PolicyService(policy, { maxBatch: 1, maxWaiting: 1, onEvent: () => {} });
    await service.whenReady();
    const settings = { tickMs: 100, keyMap: {}, version: '1', now: () => performance.now(), onIgnored: () => {} };
    const session = new OpenpiSession(service, policy, settings);
    const random = randomNumbers(1);
    expect(await flood(MESSAGES, (i) => session.answer(changed(message, random), 50 * i))).toBeGreaterThan(MESSAGES / 2);
  }, 1_200_000);

  it('of LeRobot likewise', async () => {
    const policy = new PretendPolicy();
    const service = new PolicyService(policy, { maxBatch: 1, maxWaiting: 1, onEvent: () => {} });
    await service.whenReady();
    const settings = { fps: 10, waitMs: 1, leastMs: 0, seed: 0, now: () => performance.now(), onRefused: () => {} };
    const session = new LeRobotSession(service, policy, settings);
    session.instruct(pickledInstructions());
    const random = randomNumbers(2);
    const [observation, instructions] = [pickledObservation(3, 1, 2), pickledInstructions()];
    const refused = await flood(MESSAGES, (i) =>
      i % 2 === 0 ? session.observe(changed(observation, random)) : session.instruct(changed(instructions, random)),
    );
    expect(refused).toBeGreaterThan(MESSAGES / 2);
  }, 1_200_000);

  it('through sockets, a tenth of them: a text and a close each, and the server lives', async () => {
    const policy = new PretendPolicy({ observations: [STATE, CAMERA] });
    policy.windows.push = () => 0;
    const server = await servePolicy(policy as unknown as Policy, { port: 0 });
    const random = randomNumbers(3);
    let answered = 0;
    const attempt = async (): Promise<void> => {
      const { client } = await OpenpiClient.connect(server.url);
      client.socket.send(changed(message, random));
      const received = await client.next();
      if ('bytes' in received) {
        answered++;
        client.socket.close();
      } else {
        expect(received).toEqual({ text: expect.stringMatching(/^(Message|Observation)Error: /) as unknown });
        expect(await client.next()).toMatchObject({ close: 1011 });
      }
    };
    const run = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 8) await Promise.all(Array.from({ length: 8 }, attempt));
    };
    const count = MESSAGES / 10;
    await run(count / 5);
    const before = await settledResources();
    await run(count - count / 5);
    const after = await settledResources();
    expect(after.heap - before.heap).toBeLessThan(LIMIT_BYTES);
    expect(answered).toBeLessThan(count / 2);
    const { client } = await OpenpiClient.connect(server.url);
    expect((await client.ask(good)).actions.values.slice(0, 2)).toEqual([1, 2]);
    await server.close();
  }, 1_200_000);
});
