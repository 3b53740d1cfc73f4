import { describe, expect, it } from 'vitest';
import { ObservationWindow } from '../../src/control/observation-window.js';
import { ObservationError } from '../../src/foundation/errors.js';
import { checkFrame } from '../../src/observations/check.js';
import type { Frame } from '../../src/observations/frame.js';
import { FrameWindow } from '../../src/observations/window.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

const FEATURES: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'joints', feature: 'observation.state', size: 2 },
  { kind: 'vector', name: 'light', feature: 'light', size: 1 },
];

const frame = (...values: number[]): Frame => ({ values: Float32Array.from(values), pictures: [] });
const valuesOf = (frames: readonly Frame[]): number[] => frames.flatMap(({ values }) => [...values]);

describe('FrameWindow', () => {
  it('holds the newest frames, and repeats the oldest where there are too few', () => {
    const window = new FrameWindow(FEATURES, 3);
    expect(() => window.read()).toThrow(ObservationError);
    window.push(frame(1, 2, 3));
    expect(valuesOf(window.read())).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    for (const first of [4, 7, 10]) window.push(frame(first, first + 1, first + 2));
    expect(valuesOf(window.read())).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(window.observation()).toEqual({ joints: Float32Array.of(4, 5, 7, 8, 10, 11), light: Float32Array.of(6, 9, 12) });
  });

  it('reads as it will be with one frame more, and does not take it', () => {
    const window = new FrameWindow(FEATURES.slice(1), 2);
    expect(valuesOf(window.read(frame(5)))).toEqual([5, 5]);
    expect(() => window.read()).toThrow(ObservationError);
    window.push(frame(1));
    expect(valuesOf(window.read(frame(2)))).toEqual([1, 2]);
    expect(valuesOf(window.read())).toEqual([1, 1]);
  });
});

describe('the window of a control loop', () => {
  it('refuses what act() refuses, in the same sentence', () => {
    const given = { joints: [1, 2], 'observation.state': [1, 2], light: [0] };
    const window = new ObservationWindow(FEATURES, 2);
    const message = (use: () => unknown): string => {
      try {
        use();
      } catch (error) {
        return (error as Error).message.replace(/^\w+: /, '');
      }
      return 'accepted';
    };
    for (const observation of [given, { ...given, light: [NaN] }, { light: [1] }, { joints: [1], light: [1] }, { dark: [1] }]) {
      const refused = message(() => window.push(observation, 0));
      expect(refused).not.toBe('accepted');
      expect(refused).toBe(message(() => checkFrame(FEATURES, observation, 'act')));
    }
  });
});
