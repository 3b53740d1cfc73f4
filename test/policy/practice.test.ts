import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunLimit } from '../../src/decision/denoiser.js';
import type { Decider, Turn } from '../../src/policy/decider.js';
import type { Episode } from '../../src/policy/episode.js';
import { Practice } from '../../src/policy/practice.js';

let nowMs = 0;
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => nowMs));
afterEach(() => void vi.restoreAllMocks());

const EPISODE = { actions: [], nextNoise: () => ({ seed: 0, episode: 0, decision: 0, sample: 0 }) } as unknown as Episode;

/** Practice of decisions that take the host `hostMs()` and then fail, or not. */
function practised(hostMs: () => number, ends: () => Promise<unknown> = () => Promise.resolve(), isAwaited = (): boolean => false) {
  const limits: (number | undefined)[] = [];
  const turns: Turn[] = [];
  const limit: RunLimit = { withinMs: 0 };
  const decider = {
    decideOne: (turn: Turn) => {
      limits.push(limit.withinMs);
      turns.push(turn);
      nowMs += hostMs();
      return ends();
    },
  } as unknown as Decider;
  const checks = { zeros: () => ({ frames: [], given: {} }) };
  return { practice: new Practice({ decider, limit, checks, observations: [], observationSteps: 2, isAwaited }), limits, turns };
}

describe('practice', () => {
  it('lets the device take part where a run is short, and then is made once more, or not at all; no episode remembers it', async () => {
    const { practice, limits, turns } = practised(() => 0.5);
    await practice.run(EPISODE, {});
    await practice.run(EPISODE, { on: 'device' });
    await practice.run(EPISODE, { on: 'host' });
    expect(limits).toEqual([1.5, undefined, 1.5, undefined, -Infinity]);
    expect(turns.filter(({ episode }) => episode !== undefined)).toEqual([]);
  });

  it('leaves ticks alone that decide nothing', async () => {
    const { practice, turns } = practised(() => 0.5);
    await practice.run({ ...EPISODE, actions: [new Float32Array(2)] } as unknown as Episode, {});
    expect(turns).toEqual([]);
  });

  it('goes on after one interruption, and rests ever longer where it always takes the host too long', async () => {
    let count = 0;
    const once = practised(() => (++count === 5 ? 10 : 0.5));
    for (let i = 0; i < 50; i++) await once.practice.run(EPISODE, { on: 'host' });
    expect(once.turns).toHaveLength(50);
    const slow = practised(() => 10);
    for (let i = 0; i < 100; i++) await slow.practice.run(EPISODE, { on: 'host' });
    expect(slow.turns.length).toBeLessThan(10);
  });

  it('rests where decisions have to wait for it', async () => {
    const waiting = (waitMs: number) =>
      practised(
        () => 0.5,
        () => Promise.resolve().then(() => void (nowMs += waitMs)),
        () => true,
      );
    const [long, none] = [waiting(0.5), waiting(0)];
    for (const { practice } of [long, none]) for (let i = 0; i < 100; i++) await practice.run(EPISODE, {});
    expect(long.turns.length).toBeLessThan(10);
    expect(none.turns).toHaveLength(100);
  });

  it('never fails, whatever becomes of the decision: it is for the one behind it to say so', async () => {
    const lost = practised(
      () => 0.5,
      () => Promise.reject(new Error('lost')),
    );
    expect(await lost.practice.run(EPISODE, {})).toBeUndefined();
    const thrown = practised(() => {
      throw new Error('at once');
    });
    expect(thrown.practice.run(EPISODE, {})).toBeUndefined();
  });
});
