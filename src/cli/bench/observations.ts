import type { Observation } from '../../observations/frame.js';
import { SYNTHETIC_OBSERVATIONS } from '../../synthetic/checkpoint.js';
import { fillValues } from '../../synthetic/fill.js';

/** Frames of a synthetic policy that differ from seed to seed. */
export function frames(seed: number, count: number): Observation {
  return Object.fromEntries(
    SYNTHETIC_OBSERVATIONS.map(({ name, size }) => {
      const values = new Float32Array(count * size);
      fillValues({ kind: 'uniform', bound: 1, seed: seed + size }, 0, values);
      return [name, values];
    }),
  );
}
