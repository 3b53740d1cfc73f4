import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/observations/frame.js';
import { FrameHistory } from '../../src/server/frame-history.js';

/** A frame that is known by a number. */
const frame = (value: number): Frame => ({ values: Float32Array.of(value), pictures: [] });

/** Frames come at these times, known by them; what a decision at the last one reads. */
function readAt(history: FrameHistory, times: readonly number[]): { values: number[]; repeated: number } {
  for (const at of times.slice(0, -1)) history.push(frame(at), at);
  const at = times.at(-1) as number;
  const newest = frame(at);
  const { frames, repeated } = history.read(newest, at);
  history.push(newest, at);
  return { values: frames.map(({ values }) => values[0] as number), repeated };
}

describe('the frames before the newest', () => {
  it('are those of so many ticks ago, half a tick more or less', () => {
    expect(readAt(new FrameHistory(2, 100), [0, 100])).toEqual({ values: [0, 100], repeated: 0 });
    expect(readAt(new FrameHistory(2, 100), [0, 149])).toEqual({ values: [0, 149], repeated: 0 });
    expect(readAt(new FrameHistory(2, 100), [0, 51])).toEqual({ values: [0, 51], repeated: 0 });
    expect(readAt(new FrameHistory(2, 100), [0, 49])).toEqual({ values: [49, 49], repeated: 1 });
    expect(readAt(new FrameHistory(2, 100), [0, 151])).toEqual({ values: [151, 151], repeated: 1 });
    expect(readAt(new FrameHistory(3, 100), [0, 100, 200])).toEqual({ values: [0, 100, 200], repeated: 0 });
  });

  it('are found among frames that come faster than ticks', () => {
    const times = Array.from({ length: 41 }, (_, i) => 25 * i);
    expect(readAt(new FrameHistory(3, 100), times)).toEqual({ values: [800, 900, 1000], repeated: 0 });
  });

  it('are each repeated alone where one is missing', () => {
    expect(readAt(new FrameHistory(3, 100), [0, 200])).toEqual({ values: [0, 200, 200], repeated: 1 });
    expect(readAt(new FrameHistory(3, 100), [100, 200])).toEqual({ values: [100, 100, 200], repeated: 1 });
  });

  it('are none where the tick is not known, time went back, or all was forgotten', () => {
    expect(readAt(new FrameHistory(2, undefined), [0, 100])).toEqual({ values: [100, 100], repeated: 1 });
    expect(readAt(new FrameHistory(2, 100), [1000, 5, 60])).toEqual({ values: [5, 60], repeated: 0 });
    const history = new FrameHistory(2, 100);
    history.push(frame(0), 0);
    history.clear();
    expect(readAt(history, [100])).toEqual({ values: [100, 100], repeated: 1 });
    expect(readAt(new FrameHistory(1, 100), [0, 100])).toEqual({ values: [100], repeated: 0 });
  });

  it('are few, however fast a client is', () => {
    const history = new FrameHistory(2, 100);
    for (let at = 0; at < 10_000; at++) {
      const one = frame(at);
      history.push(one, at);
    }
    // Times that are a quarter of a tick apart, and the newest.
    const found = new Set(Array.from({ length: 200 }, (_, back) => history.read(frame(0), 9999 + 100 - back).frames[0]?.values[0]));
    expect(found.size).toBeLessThanOrEqual(9);
    expect(found.size).toBeGreaterThan(4);
  });
});
