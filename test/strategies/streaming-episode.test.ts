import { describe, expect, it } from 'vitest';
import { usesNoise } from '../../src/diffusion/solver-step.js';
import { StreamingLevels } from '../../src/diffusion/streaming-levels.js';
import type { DenoiseRequest } from '../../src/strategies/strategy.js';
import { type Streaming, StreamingEpisode, streamingSchedules } from '../../src/strategies/streaming-episode.js';
import { floats, integers, readTensors, relativeError } from '../support/recorded-case.js';
import { applySlots, contextWith, decide, joined, part, readSlotCase, slotOptions, slotSolver } from '../support/slot-cases.js';

/** What the README of the cases allows. */
const BOUND = 1e-4;

function streamingOf(name: string): Streaming {
  const { config } = readSlotCase(name);
  const { horizon, n_action_steps: actionSteps, n_obs_steps: observationSteps, num_train_timesteps: numTrainTimesteps } = config;
  const levels = new StreamingLevels({ horizon, actionSteps, observationSteps, numTrainTimesteps });
  const solver = slotSolver(config);
  return {
    levels,
    actionDim: config.action_dim,
    alphasCumprod: slotOptions(config).alphasCumprod,
    whole: config.buffer_init === 'denoise' ? solver.schedule(levels.common()) : undefined,
    schedule: streamingSchedules(levels, solver),
    renoisePastSlots: false,
    denoiser: 'streaming',
  };
}

/** An episode of sample `b` over what the network returned when the case was recorded. */
function replay(name: string, b: number, streaming = streamingOf(name)) {
  const { batch } = readSlotCase(name);
  const tensors = readTensors(`methods/${name}`);
  const { actionDim } = streaming;
  const { horizon, observationSteps } = streaming.levels.sizes;
  const episode = new StreamingEpisode(streaming);
  const of = (tensor: string): Float32Array => part(tensors, tensor, b, batch);
  const call = (tensor: string, index: number): Float32Array => {
    const size = horizon * actionDim;
    return floats(tensors, tensor).slice((index * batch + b) * size, (index * batch + b + 1) * size);
  };
  const past = Float32Array.from({ length: (observationSteps - 1) * actionDim }, (_, i) => Math.sin(i + 1));
  let calls = 0;
  const errors: Record<string, number> = {};
  const note = (what: string, found: ArrayLike<number>, expected: Float32Array): void => {
    errors[what] = Math.max(errors[what] ?? 0, relativeError(found, expected));
  };
  const levels: number[] = [];
  const run = (request: DenoiseRequest): Float32Array => {
    let x: ArrayLike<number> = request.prediction as Float32Array;
    if (request.schedule === streaming.whole) {
      expect(x).toEqual(of('input.init_noise'));
      return call('expected.init_buffer', 99);
    }
    if (calls === 0) note('init', x, of('expected.init.buffer'));
    let row = request.firstNoiseRow ?? 0;
    expect(row).toBe(calls === 0 && streaming.whole ? streaming.whole.noisySteps : 0);
    for (const step of request.schedule.steps) {
      levels.push(...(step.levels as readonly number[]));
      x = applySlots(step, x, call('expected.model_output', calls), !usesNoise(step) ? undefined : call('input.step_noise', calls));
      if (usesNoise(step)) row++;
      note('buffer', x, call('expected.buffer', calls));
      calls++;
    }
    return Float32Array.from(x);
  };
  const decisions = integers(tensors, 'expected.calls').length;
  const chunks: Float32Array[] = [];
  for (let d = 0; d < decisions; d++) {
    const initial = d > 0 ? [] : [of('input.init_noise'), streaming.whole ? renoise() : new Float32Array(horizon * actionDim).fill(NaN)];
    const outcome = decide(episode.decide(contextWith(joined(of(`input.append_noise.${d}`), past, ...initial))), run);
    expect(outcome.warm).toBe(d > 0);
    note('chunk', outcome.result.normalizedChunk, of(`expected.chunk.${d}`));
    outcome.remember?.();
    chunks.push(outcome.result.normalizedChunk);
  }
  function renoise(): Float32Array {
    const given = of('input.renoise');
    return joined(given, new Float32Array(horizon * actionDim - given.length).fill(NaN));
  }
  return { errors, levels, chunks, expectedLevels: integers(tensors, 'expected.levels') };
}

describe('an episode of SDP', () => {
  it.each([
    ['sdp', 0],
    ['sdp', 1],
    ['sdp-denoise', 0],
  ] as const)('%s, sample %i: levels, buffers and chunks as recorded, given what the network returned', (name, b) => {
    const { errors, levels, expectedLevels } = replay(name, b);
    expect(levels).toEqual(expectedLevels);
    expect(Object.keys(errors).sort()).toEqual(['buffer', 'chunk', 'init']);
    for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(BOUND);
  });

  it('sees a past slot that is noised again, and one that is kept at level −1, which the network would be shown as well', () => {
    const noised = replay('sdp', 0, { ...streamingOf('sdp'), renoisePastSlots: true });
    expect(noised.levels).toEqual(noised.expectedLevels);
    expect(noised.errors['buffer']).toBeGreaterThan(0.05);
    class CleanPast extends StreamingLevels {
      override pushed(left: readonly number[]): number[] {
        return super.pushed(left).map((level, slot) => (slot < this.sizes.observationSteps - 1 ? -1 : level));
      }
    }
    const streaming = streamingOf('sdp');
    const levels = new CleanPast(streaming.levels.sizes);
    const solver = slotSolver(readSlotCase('sdp').config);
    const kept = replay('sdp', 0, { ...streaming, levels, schedule: streamingSchedules(levels, solver) });
    expect(kept.levels).not.toEqual(kept.expectedLevels);
    expect(kept.errors['buffer']).toBeGreaterThan(0.05);
  });

  it('a past slot that is noised again is another buffer', () => {
    const streaming = { ...streamingOf('sdp'), renoisePastSlots: true };
    const episode = new StreamingEpisode(streaming);
    const { levels, actionDim } = streaming;
    const draw = (count: number): Float32Array => Float32Array.from({ length: count * actionDim }, (_, i) => Math.sin(i + count));
    const [appended, past, initial] = [draw(levels.appended), draw(1), draw(levels.sizes.horizon)];
    const noise = joined(appended, past, initial, initial);
    const end = Float32Array.from({ length: initial.length }, (_, i) => Math.cos(i));
    decide(episode.decide(contextWith(noise)), () => end).remember?.();
    let start: Float32Array | undefined;
    decide(episode.decide(contextWith(noise)), (request) => (start = request.prediction as Float32Array));
    // Slot 0 is at level 32 by then: √ā of that level times the clean action, and noise.
    const alphaBar = streaming.alphasCumprod[32] as number;
    for (let i = 0; i < actionDim; i++) {
      const clean = end[levels.sizes.actionSteps * actionDim + i] as number;
      expect(start?.[i]).toBeCloseTo(Math.sqrt(alphaBar) * clean + Math.sqrt(1 - alphaBar) * (past[i] as number), 6);
    }
    expect(start?.subarray(actionDim, 4 * actionDim)).toEqual(end.subarray(5 * actionDim, 8 * actionDim));
  });

  it('a decision that fails leaves the episode as it was', () => {
    const streaming = streamingOf('sdp');
    const episode = new StreamingEpisode(streaming);
    const noise = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i));
    const starts: Float32Array[] = [];
    const run = (request: DenoiseRequest): Float32Array => {
      starts.push(request.prediction as Float32Array);
      return (request.prediction as Float32Array).map((value) => value / 2);
    };
    decide(episode.decide(contextWith(noise)), run);
    const again = decide(episode.decide(contextWith(noise)), run);
    expect(again.warm).toBe(false);
    expect(starts[1]).toEqual(starts[0]);
    again.remember?.();
    expect(decide(episode.decide(contextWith(noise)), run).warm).toBe(true);
    expect(starts[2]).not.toEqual(starts[0]);
  });

  it('episodes share schedules where their levels are the same, so that a fleet is one batch', () => {
    const streaming = streamingOf('sdp');
    const seen = [0, 1].map(() => {
      const episode = new StreamingEpisode(streaming);
      const schedules: unknown[] = [];
      for (let d = 0; d < 4; d++) {
        decide(episode.decide(contextWith(new Float32Array(200))), (request) => {
          schedules.push(request.schedule);
          return request.prediction as Float32Array;
        }).remember?.();
      }
      return schedules;
    });
    seen[0]?.forEach((schedule, d) => expect(schedule).toBe(seen[1]?.[d]));
    expect(seen[0]?.[3]).toBe(seen[0]?.[0]);
  });
});
