import { OptionError } from '../../foundation/errors.js';
import type { Normalizer, Unnormalizer } from '../../spec/policy-spec.js';

const { fround } = Math;

/** Beyond this a value has nothing to do with the statistics: a constant of the policy's data, or another robot. */
const MOST = 1e4;

/** Rows of raw values as the network reads them, by the arithmetic of the engine's own kernel, in f32. */
export function normalized(raw: Float32Array, { subtract, divide, multiply, add }: Normalizer, name: string): Float32Array {
  const size = subtract.length;
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const at = i % size;
    const scaled = fround(fround((raw[i] as number) - (subtract[at] as number)) / (divide[at] as number));
    out[i] = fround(scaled * (multiply[at] as number)) + (add[at] as number);
  }
  return checked(out, raw, size, name);
}

/** Rows of raw actions in the space of the network, which is where `unnormalizer` gives these actions back, up to rounding. */
export function normalizedActions(raw: Float32Array, unnormalizer: Unnormalizer, name: string): Float32Array {
  const { add, halve, multiply, shift } = unnormalizer;
  const size = shift.length;
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const at = i % size;
    const scaled = fround(fround((raw[i] as number) - (shift[at] as number)) / (multiply[at] as number));
    out[i] = fround(scaled / (halve[at] as number)) - (add[at] as number);
  }
  return checked(out, raw, size, name);
}

function checked(values: Float32Array, raw: Float32Array, size: number, name: string): Float32Array {
  const bad = values.findIndex((value) => !(Math.abs(value) <= MOST));
  if (bad < 0) return values;
  throw new OptionError(
    `${name}: value ${bad % size} is ${raw[bad]}, which the policy's statistics make ${values[bad]}: expected numbers about −1 to 1. ` +
      'Use the data set, or statistics of the data set, that the policy was trained on.',
  );
}
