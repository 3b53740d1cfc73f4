import { describe, expect, it } from 'vitest';
import { type Laddered, LadderedEpisode } from '../../src/strategies/laddered-episode.js';
import type { DenoiseRequest } from '../../src/strategies/strategy.js';
import { floats, readTensors, relativeError } from '../support/recorded-case.js';
import { applySlots, contextWith, decide, joined, part, readSlotCase, slotSolver } from '../support/slot-cases.js';

const BOUND = 2e-5;

function ladderedOf(observeEvery = 1): Laddered {
  const { config } = readSlotCase('rnr-dp');
  const levels = Array.from({ length: config.horizon }, (_, slot) => slot);
  return {
    slots: config.horizon,
    actionDim: config.action_dim,
    schedule: slotSolver(config).schedule([levels]),
    observeEvery,
    denoiser: 'rnr',
  };
}

/** What a decision starts from, run by run. */
function startsOf(episode: LadderedEpisode, noise: Float32Array, frames?: Float32Array<ArrayBuffer>): DenoiseRequest[] {
  const requests: DenoiseRequest[] = [];
  decide(episode.decide(contextWith(noise, frames)), (request) => {
    requests.push(request);
    return (request.prediction as Float32Array).map((value) => value / 2);
  }).remember?.();
  return requests;
}

describe('an episode of RNR-DP', () => {
  it.each([0, 1])('sample %i: buffers of all passes and actions as recorded, given what the network returned', (b) => {
    const { batch } = readSlotCase('rnr-dp');
    const laddered = ladderedOf();
    const { slots, actionDim } = laddered;
    const tensors = readTensors('methods/rnr-dp');
    const passes = floats(tensors, 'input.append_noise').length / (batch * actionDim);
    const decisions = floats(tensors, 'expected.action').length / (batch * actionDim);
    expect(passes).toBe(slots - 1 + decisions);
    const pass = (name: string, index: number): Float32Array => part(tensors, name, index * batch + b, passes * batch);
    const appended = (index: number): Float32Array => pass('input.append_noise', index);
    const episode = new LadderedEpisode(laddered);
    let done = 0;
    let buffer: ArrayLike<number> = part(tensors, 'input.buffer', b, batch);
    const run = (request: DenoiseRequest): Float32Array => {
      expect(relativeError(request.prediction as Float32Array, Float32Array.from(buffer))).toBeLessThan(BOUND);
      expect(request.firstNoiseRow).toBe(Math.min(done, slots - 1) * (done < slots ? 1 : 0));
      const [step] = request.schedule.steps;
      const next = applySlots(
        step as NonNullable<typeof step>,
        request.prediction as Float32Array,
        pass('expected.model_output', done),
        pass('input.step_noise', done),
      );
      expect(relativeError(next, pass('expected.denoised', done))).toBeLessThan(BOUND);
      buffer = pass('expected.buffer', done++);
      return Float32Array.from(next);
    };
    for (let decision = 0; decision < decisions; decision++) {
      const ladder = Array.from({ length: slots - 1 }, (_, index) => appended(index));
      const noise =
        decision === 0 ? joined(appended(slots - 1), part(tensors, 'input.buffer', b, batch), ...ladder) : appended(slots - 1 + decision);
      const outcome = decide(episode.decide(contextWith(noise)), run);
      expect(outcome.warm).toBe(decision > 0);
      const action = part(tensors, 'expected.action', decision * batch + b, decisions * batch);
      expect(relativeError(outcome.result.normalizedChunk.subarray(0, actionDim), action)).toBeLessThan(BOUND);
      outcome.remember?.();
    }
    expect(done).toBe(passes);
  });

  it('passes of a ladder take noise rows of their own, and later decisions the first', () => {
    const episode = new LadderedEpisode(ladderedOf());
    const noise = new Float32Array(100);
    expect(startsOf(episode, noise).map(({ firstNoiseRow }) => firstNoiseRow)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(startsOf(episode, noise).map(({ firstNoiseRow }) => firstNoiseRow)).toEqual([0]);
  });

  it.each([1, 2, 3])('an observation serves %i decisions, the ladder besides the first of them', (observeEvery) => {
    const episode = new LadderedEpisode(ladderedOf(observeEvery));
    const noise = new Float32Array(100);
    const read = Array.from({ length: 7 }, (_, decision) => {
      const frames = Float32Array.of(decision);
      const requests = startsOf(episode, noise, frames);
      expect(requests).toHaveLength(decision === 0 ? 8 : 1);
      // The caller's array is used for the next one.
      const [found] = requests.map((request) => (request.frames ?? frames)[0]);
      frames.fill(NaN);
      return found;
    });
    expect(read).toEqual(Array.from({ length: 7 }, (_, decision) => decision - (decision % observeEvery)));
  });

  it('a decision that fails leaves the episode as it was', () => {
    const episode = new LadderedEpisode(ladderedOf());
    const noise = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const half = (request: DenoiseRequest): Float32Array => (request.prediction as Float32Array).map((value) => value / 2);
    decide(episode.decide(contextWith(noise)), half).remember?.();
    const [first] = [decide(episode.decide(contextWith(noise)), half)];
    expect(decide(episode.decide(contextWith(noise)), half).result).toEqual(first?.result);
  });
});
