import { expect } from 'vitest';

/** Values of shape batch × channels × length in the order [b][channels][length], in float64. */
export interface Values {
  readonly batch: number;
  readonly channels: number;
  readonly length: number;
  readonly data: Float64Array;
}

export function zeros(batch: number, channels: number, length: number): Values {
  return { batch, channels, length, data: new Float64Array(batch * channels * length) };
}

export function valueAt(values: Values, b: number, c: number, t: number): number {
  return values.data[(b * values.channels + c) * values.length + t] as number;
}

/** Values from a function of batch, channel and time. */
export function valuesOf(batch: number, channels: number, length: number, value: (b: number, c: number, t: number) => number): Values {
  const made = zeros(batch, channels, length);
  for (let i = 0; i < made.data.length; i++) {
    const row = Math.floor(i / length);
    made.data[i] = value(Math.floor(row / channels), row % channels, i % length);
  }
  return made;
}

/** One sample of a batch. */
export function sampleOf(values: Values, b: number): Values {
  const size = values.channels * values.length;
  return { ...values, batch: 1, data: values.data.slice(b * size, (b + 1) * size) };
}

/** Standard normal numbers that f32 can hold, the same in every run. */
export class Normals {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** mulberry32: uniform in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  next(): number {
    return Math.fround(Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform()));
  }

  floats(count: number, scale = 1): Float32Array {
    return Float32Array.from({ length: count }, () => this.next() * scale);
  }

  values(batch: number, channels: number, length: number, scale = 1): Values {
    return { batch, channels, length, data: Float64Array.from(this.floats(batch * channels * length, scale)) };
  }
}

export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

/** Fails unless |actual − expected| <= atol + rtol · |expected| everywhere; NaN always fails. */
export function expectClose(actual: Values, expected: Values, { atol, rtol }: Tolerance, what: string): void {
  const shape = ({ batch, channels, length }: Values): number[] => [batch, channels, length];
  expect(shape(actual), `${what}: shape`).toEqual(shape(expected));
  let worst = { excess: 0, index: 0 };
  for (let i = 0; i < expected.data.length; i++) {
    const wanted = expected.data[i] as number;
    const error = Math.abs((actual.data[i] as number) - wanted);
    const tolerance = atol + rtol * Math.abs(wanted);
    // 0 / 0 where nothing but equality is allowed; every other NaN is a failure.
    const excess = error === 0 ? 0 : error / tolerance;
    if (Number.isNaN(excess)) worst = { excess: Infinity, index: i };
    else if (excess > worst.excess) worst = { excess, index: i };
  }
  const { excess, index } = worst;
  expect(
    excess,
    `${what}: element ${index} is ${actual.data[index]}, expected ${expected.data[index]}; error in units of the tolerance`,
  ).toBeLessThanOrEqual(1);
}

/** Fails unless both hold the same bits, element by element. */
export function expectSameBits(actual: Values, expected: Values, what: string): void {
  const bits = ({ data }: Values): Uint32Array => new Uint32Array(Float32Array.from(data).buffer);
  expect(bits(actual), what).toEqual(bits(expected));
}
