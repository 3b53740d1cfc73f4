import { fillNormal } from '../diffusion/philox.js';

/**
 * Purposes of an analysis' draws. Those of policies count up from 0, so an analysis with the seed of a policy perturbs
 * along other directions than its noise.
 */
const START = 2 ** 31;
const STEPS = START + 1;
const DIRECTIONS = START + 2 ** 20;

/**
 * Root mean square below which a ratio is not measured. The difference of two f32 results of about 1 is wrong by about
 * 1e-7: of 1e-5 that is a hundredth.
 */
export const SMALLEST_DISPLACEMENT = 1e-5;

/** Which start of an analysis a draw belongs to. */
export interface DrawKey {
  readonly seed: number;
  readonly start: number;
}

/** A displacement of root mean square `delta` in a random direction, f64 [size]. */
export function displacement(size: number, delta: number, direction: number, key: DrawKey): Float64Array {
  const values = normals(size, DIRECTIONS + direction, key);
  const scale = delta / Math.sqrt(values.reduce((total, value) => total + value * value, 0) / size);
  return Float64Array.from(values, (value) => value * scale);
}

/** Standard normal noise that a solver starts from, f32 [size]. */
export function startNoise(size: number, key: DrawKey): Float32Array {
  return normals(size, START, key);
}

/** Standard normal noise of a solver step, f32 [size]. */
export function stepNoise(size: number, step: number, key: DrawKey): Float32Array {
  return normals(size, STEPS + step, key);
}

function normals(size: number, purpose: number, { seed, start }: DrawKey): Float32Array {
  const values = new Float32Array(size);
  fillNormal(values, { seed, episode: start, decision: 0, purpose });
  return values;
}

/** Added in float64 and rounded once, f32. */
export function sum(values: Float32Array, change: ArrayLike<number>): Float32Array {
  return values.map((value, i) => value + (change[i] as number));
}

/** Root mean square difference, in float64. */
export function rmsDistance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((total, value, i) => total + (value - (b[i] as number)) ** 2, 0) / a.length);
}
