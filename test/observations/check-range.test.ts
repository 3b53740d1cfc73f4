import { describe, expect, it } from 'vitest';
import { ObservationError } from '../../src/foundation/errors.js';
import { checkRange } from '../../src/observations/check-range.js';
import type { NormalizationMode, VectorFeature } from '../../src/spec/policy-spec.js';

function feature(mode: NormalizationMode, subtract: number[], divide: number[], multiply = 1, add = 0): VectorFeature {
  const { length } = subtract;
  const filled = (value: number): Float32Array => new Float32Array(length).fill(value);
  const normalizer = {
    mode,
    subtract: Float32Array.from(subtract),
    divide: Float32Array.from(divide),
    multiply: filled(multiply),
    add: filled(add),
  };
  return { kind: 'vector', name: 'observation.state', rawName: 'state', size: length, normalizer };
}

const frame = (...values: number[]) => ({ values: Float32Array.from(values), pictures: [] });

describe('a value that the statistics bring far beyond what they were made of', () => {
  const minMax = feature('min-max', [0, -10], [512, 20], 2, -1);

  it('is refused, with feature, place, value, statistics, and what it may be', () => {
    expect(() => checkRange([minMax], frame(1e30, 0), 'act')).toThrow(ObservationError);
    expect(() => checkRange([minMax], frame(256, -2e5), 'act')).toThrow(
      'act: observation "state" has -200000 at index 1, which the policy\'s statistics (min-max: less -10, by 20) make -2.00e+4: ' +
        'expected numbers about −1 to 1. Wrong units?',
    );
  });

  it('begins behind 10,000, of any feature', () => {
    const mean = feature('mean-std', [3], [0.5]);
    expect(() => checkRange([minMax, mean], frame(0, 0, 5003), 'decide')).not.toThrow();
    expect(() => checkRange([minMax, mean], frame(0, 0, -4997), 'decide')).not.toThrow();
    expect(() => checkRange([minMax, mean], frame(0, 0, 5003.5), 'decide')).toThrow(/decide: observation "state" has 5003.5 at index 0/);
  });

  it('is not known where there are no statistics', () => {
    expect(() => checkRange([feature('identity', [0], [1])], frame(1e30), 'act')).not.toThrow();
  });
});
