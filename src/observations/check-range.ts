import { ObservationError } from '../foundation/errors.js';
import { MOST_NORMALIZED, type ObservationFeature, type VectorFeature } from '../spec/policy-spec.js';
import type { Frame } from './frame.js';

/**
 * Whether the statistics of a policy can have to do with values, f32 [frameWidth] of a frame. Those of an identity say nothing of a range.
 * @throws ObservationError naming feature, value and statistics.
 */
export function checkRange(features: readonly ObservationFeature[], { values }: Frame, where: string): void {
  let column = 0;
  for (const feature of features) {
    if (feature.kind === 'vector' && feature.normalizer.mode !== 'identity') {
      const { subtract, divide, multiply, add } = feature.normalizer;
      for (let i = 0; i < feature.size; i++) {
        const value = values[column + i] as number;
        const normalized = ((value - (subtract[i] as number)) / (divide[i] as number)) * (multiply[i] as number) + (add[i] as number);
        if (!(Math.abs(normalized) <= MOST_NORMALIZED)) throw outOfRange(feature, i, value, normalized, where);
      }
    }
    column += feature.size;
  }
}

function outOfRange({ rawName, normalizer }: VectorFeature, i: number, value: number, normalized: number, where: string): ObservationError {
  const { mode, subtract, divide } = normalizer;
  return new ObservationError(
    `${where}: observation "${rawName}" has ${value} at index ${i}, which the policy's statistics (${mode}: less ${subtract[i]}, by ${divide[i]}) make ` +
      `${normalized.toPrecision(3)}: expected numbers about −1 to 1. Wrong units?`,
  );
}
