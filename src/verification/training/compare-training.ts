import type { TensorReport } from '../compare.js';
import type { ZeroGradient } from './description.js';

type Numbers = ArrayLike<number>;

/** Largest relative difference of numbers that are compared one by one. */
export function compareScalars(name: string, expected: Numbers, found: Numbers, tolerance: number): TensorReport {
  let error = expected.length === found.length ? 0 : NaN;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] as number;
    error = Math.max(error, Math.abs((found[i] ?? NaN) - wanted) / (Math.abs(wanted) || 1));
  }
  return { name, shape: [expected.length], error, scale: 1, tolerance, pass: error <= tolerance };
}

/** Differences of many tensors, as relative L2 over all of them. */
export class TotalDifference {
  #difference = 0;
  #expected = 0;
  #count = 0;

  /** `weight`: elements that this one stands for. */
  add(expected: number, found: number, weight = 1): void {
    this.#difference += weight * (found - expected) ** 2;
    this.#expected += weight * expected ** 2;
    this.#count++;
  }

  report(name: string, tolerance: number): TensorReport {
    const error = Math.sqrt(this.#difference);
    const scale = Math.sqrt(this.#expected);
    return { name, shape: [this.#count], error, scale, tolerance, pass: error <= tolerance * (scale || 1) };
  }
}

/** The worst of many tensors, each relative to its own largest value. */
export class WorstTensor {
  #worst: TensorReport | undefined;
  #tensors = 0;

  add(report: TensorReport): void {
    this.#tensors++;
    // NaN is worse than any number.
    const badness = ({ error, scale }: TensorReport): number => (Number.isNaN(error) ? Infinity : error / (scale || 1));
    if (!this.#worst || badness(report) > badness(this.#worst)) this.#worst = report;
  }

  /** Named after what was compared, with the tensor that is worst. */
  report(name: string): TensorReport | undefined {
    return this.#worst && { ...this.#worst, name: `${name}: worst of ${this.#tensors}, ${this.#worst.name}` };
  }
}

/** Whether an element belongs to a parameter whose gradient is 0 but for rounding: what it does is noise. */
export function isNoise(zeros: readonly ZeroGradient[], tensor: string, shape: readonly number[], element: number): boolean {
  const rowSize = shape.slice(1).reduce((product, size) => product * size, 1);
  const row = Math.floor(element / rowSize);
  return zeros.some((zero) => zero.tensor === tensor && row >= zero.rows[0] && row < zero.rows[1]);
}

/** √Σ x². */
export function norm(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}
