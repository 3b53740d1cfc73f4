import { describe, expect, it } from 'vitest';
import { observationAt, type Recording, windowAt } from '../../src/cli/recording.js';

const recording: Recording = {
  ticks: 3,
  features: new Map([
    [
      'observation.state',
      {
        feature: { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
        values: Float32Array.of(10, 11, 20, 21, 30, 31),
      },
    ],
  ]),
  ignored: [],
};

describe('a recording', () => {
  it('has one observation per tick', () => {
    expect(observationAt(recording, 1)).toEqual({ 'observation.state': Float32Array.of(20, 21) });
  });

  it('has windows that end at a tick, oldest frame first', () => {
    expect(windowAt(recording, 2, 2)).toEqual({ 'observation.state': Float32Array.of(20, 21, 30, 31) });
  });

  it('repeats its first frame for the time before it', () => {
    expect(windowAt(recording, 0, 3)).toEqual({ 'observation.state': Float32Array.of(10, 11, 10, 11, 10, 11) });
  });
});
