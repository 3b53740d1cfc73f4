import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { StreamingLevels } from '../../src/diffusion/streaming-levels.js';
import { integers, readTensors } from '../support/recorded-case.js';
import { at } from '../support/toy.js';

const sizes = (horizon: number, actionSteps: number, observationSteps = 2, numTrainTimesteps = 100) => ({
  horizon,
  actionSteps,
  observationSteps,
  numTrainTimesteps,
});

/** Every vector of levels that the network is called with: those of a round, then those of a whole denoising; no two are equal. */
function vectors(streaming: StreamingLevels): Set<string> {
  const all = [...streaming.round().flatMap((levels) => [...streaming.decision(levels).calls]), ...streaming.common()];
  return new Set(all.map((levels) => levels.join(' ')));
}

/** Lengths of the runs of equal levels. */
function runs(levels: readonly number[]): [level: number, slots: number][] {
  const found: [number, number][] = [];
  for (const level of levels) {
    const last = found.at(-1);
    if (last?.[0] === level) last[1]++;
    else found.push([level, 1]);
  }
  return found;
}

describe('levels of a streaming buffer', () => {
  it.each([
    [
      20,
      8,
      [
        [49, 9],
        [99, 11],
      ],
    ],
    [
      16,
      5,
      [
        [32, 6],
        [65, 5],
        [99, 5],
      ],
    ],
    [
      16,
      4,
      [
        [32, 5],
        [65, 4],
        [99, 7],
      ],
    ],
    [16, 8, [[99, 16]]],
  ] as const)('P %i, E %i begins with %j', (horizon, actionSteps, expected) => {
    expect(runs(new StreamingLevels(sizes(horizon, actionSteps)).first())).toEqual(expected);
  });

  it.each(['sdp', 'sdp-denoise'])('%s: before every call, calls per decision, and after it, as recorded', (name) => {
    const path = `methods/${name}`;
    const tensors = readTensors(path);
    const config = JSON.parse(readFileSync(new URL(`../goldens/${path}/network/config.json`, import.meta.url), 'utf8'));
    const { horizon, n_action_steps: actionSteps, n_obs_steps: observationSteps, num_train_timesteps: numTrainTimesteps } = config;
    const streaming = new StreamingLevels({ horizon, actionSteps, observationSteps, numTrainTimesteps });
    let levels = streaming.first();
    expect(levels).toEqual(integers(tensors, 'expected.init.levels'));
    const calls: number[][] = [];
    const expectedCalls = integers(tensors, 'expected.calls');
    for (const [decision, count] of expectedCalls.entries()) {
      const made = streaming.decision(levels);
      expect(made.calls).toHaveLength(count);
      calls.push(...made.calls.map((call) => [...call]));
      levels = streaming.pushed(made.left);
      expect(levels).toEqual(integers(tensors, `expected.next_levels.${decision}`));
    }
    expect(calls.flat()).toEqual(integers(tensors, 'expected.levels'));
    const known = vectors(streaming);
    expect(calls.filter((call) => !known.has(call.join(' ')))).toEqual([]);
  });

  it.each([
    [16, 4, 2, 100],
    [16, 5, 2, 100],
    [20, 8, 2, 100],
    [16, 8, 2, 100],
    [12, 1, 1, 100],
    [64, 3, 4, 37],
  ])('P %i, E %i, To %i, N %i: a round of as many calls as levels, chunks that stay together, no clean slot in a call', (...given) => {
    const streaming = new StreamingLevels(sizes(...given));
    const [, actionSteps, observationSteps, levelCount] = given;
    const round = streaming.round();
    expect(round.length).toBeLessThanOrEqual(streaming.chunks);
    const calls = round.flatMap((levels) => streaming.decision(levels).calls);
    // Fewer only where the parts of N are so alike that they repeat before all chunks went by.
    expect(levelCount % calls.length).toBe(0);
    for (const levels of calls) {
      expect(Math.min(...levels)).toBeGreaterThanOrEqual(0);
      expect(new Set(levels.map((level, slot) => `${streaming.chunkOf(slot)} ${level}`)).size).toBe(streaming.chunks);
    }
    const last = at(calls, calls.length - 1);
    expect(last.slice(0, observationSteps - 1 + actionSteps)).toEqual(Array(observationSteps - 1 + actionSteps).fill(0));
    expect(vectors(streaming).size).toBeLessThanOrEqual(2 * levelCount);
  });

  it('refuses a buffer without a complete chunk, and one with more chunks than levels', () => {
    expect(() => new StreamingLevels(sizes(8, 8))).toThrow(/complete chunk.*found n_action_steps 8/);
    expect(() => new StreamingLevels(sizes(16, 1, 1, 10))).toThrow(/16 or more levels/);
  });

  it('moves rows on as levels move: executed slots and the tail go, fresh rows come in behind', () => {
    const streaming = new StreamingLevels(sizes(8, 3));
    expect([streaming.chunks, streaming.tail, streaming.appended]).toEqual([2, 1, 4]);
    const buffer = Float32Array.from({ length: 16 }, (_, i) => i);
    const fresh = Float32Array.from({ length: 8 }, (_, i) => 100 + i);
    expect([...streaming.pushedBuffer(buffer, fresh, 2)]).toEqual([6, 7, 8, 9, 10, 11, 12, 13, ...fresh]);
  });
});
