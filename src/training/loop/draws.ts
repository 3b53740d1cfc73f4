import { fillNormal, fillUniform, type NoiseKey } from '../../diffusion/philox.js';

/**
 * What random numbers of a run are for. Numbers of one purpose never depend on what else was drawn: new draws need a new purpose, an old one
 * would change every run.
 */
const PURPOSES = {
  initialWeights: 0,
  split: 1,
  noise: 2,
  timesteps: 3,
  historyRows: 4,
  historyNoise: 5,
  validationNoise: 6,
  validationTimesteps: 7,
  crop: 8,
  methodNoise: 9,
  methodSecondNoise: 10,
  methodLevels: 11,
  methodJumps: 12,
  methodRegime: 13,
} as const;
export type Purpose = keyof typeof PURPOSES;

/** Which draw: everything it depends on. */
export interface DrawKey {
  readonly seed: number;
  readonly purpose: Purpose;
  /** Batches before this one in the run, or whatever else counts draws of the purpose. */
  readonly step: number;
  /** Tells apart what is drawn for one step. */
  readonly part?: number;
}

/** Episodes of decisions count from 0; a run's draws are far away from theirs in the same seed. */
const FIRST_STREAM = 2 ** 31;

function noiseKey({ seed, purpose, step, part = 0 }: DrawKey): NoiseKey {
  return { seed, episode: FIRST_STREAM + PURPOSES[purpose], decision: step, purpose: part };
}

/** Standard normals. */
export function normals(count: number, key: DrawKey): Float32Array {
  const values = new Float32Array(count);
  fillNormal(values, noiseKey(key));
  return values;
}

/** Uniform in (0, 1). */
export function uniforms(count: number, key: DrawKey): Float64Array {
  const values = new Float64Array(count);
  fillUniform(values, noiseKey(key));
  return values;
}

/** Integers 0 … below − 1, each as likely as any other (to 2^−32 · below). */
export function integers(count: number, below: number, key: DrawKey): Int32Array {
  return Int32Array.from(uniforms(count, key), (value) => Math.floor(value * below));
}

/** 0 … count − 1 in random order (Fisher and Yates). */
export function permutation(count: number, key: DrawKey): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const draws = uniforms(count, key);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor((draws[i] as number) * (i + 1));
    const moved = order[i] as number;
    order[i] = order[j] as number;
    order[j] = moved;
  }
  return order;
}
