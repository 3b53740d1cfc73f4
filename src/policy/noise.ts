import type { Schedule } from '../diffusion/solver-step.js';
import { fillNormal } from '../diffusion/philox.js';
import { OptionError } from '../errors.js';

/** Noise of one decision, standard normal. */
export interface DecisionNoise {
  /** f32 [b][horizon][actionDim]. */
  readonly noise: Float32Array;
  /** One row f32 [b][horizon][actionDim] per noisy step of the schedule. */
  readonly stepNoise: readonly Float32Array[];
}

/** Noise that a caller gives instead of a seed, e.g. to compare with another implementation. */
export interface GivenNoise {
  readonly noise?: ArrayLike<number> | undefined;
  readonly stepNoise?: readonly ArrayLike<number>[] | undefined;
}

/** The caller may reuse its arrays as soon as a call is made, so they are copied then. */
export function copyGivenNoise({ noise, stepNoise }: GivenNoise): GivenNoise {
  return { noise: noise && Float32Array.from(noise), stepNoise: stepNoise?.map((row) => Float32Array.from(row)) };
}

/** Which noise a decision gets where none is given: the same key, the same bits, whatever else was drawn. */
export interface NoiseSeed {
  readonly seed: number;
  readonly episode: number;
  readonly decision: number;
}

/** Purposes of a sample's draws: row 0 starts, rows 1 … are of solver steps. */
const ROWS_PER_SAMPLE = 2 ** 16;

/**
 * The given noise, checked, or seeded noise in its place. One sample's noise does not depend on the batch.
 * @throws OptionError for noise of the wrong size, or not finite.
 */
export function decisionNoise(schedule: Schedule, batch: number, chunkSize: number, seed: NoiseSeed, given: GivenNoise): DecisionNoise {
  const elements = batch * chunkSize;
  const draw = (row: number): Float32Array => {
    const values = new Float32Array(elements);
    for (let sample = 0; sample < batch; sample++) {
      const purpose = sample * ROWS_PER_SAMPLE + row;
      fillNormal(values.subarray(sample * chunkSize, (sample + 1) * chunkSize), { ...seed, purpose });
    }
    return values;
  };
  const { noise, stepNoise } = given;
  if (stepNoise && stepNoise.length !== schedule.noisySteps) {
    throw new OptionError(`stepNoise must have ${schedule.noisySteps} rows, one per noisy step of ${schedule.solver}, got ${stepNoise.length}.`);
  }
  return {
    noise: noise ? checked('noise', noise, elements) : draw(0),
    stepNoise: Array.from({ length: schedule.noisySteps }, (_, row) => {
      const values = stepNoise?.[row];
      return values ? checked(`stepNoise[${row}]`, values, elements) : draw(row + 1);
    }),
  };
}

function checked(name: string, values: ArrayLike<number>, elements: number): Float32Array {
  if (values.length !== elements) {
    throw new OptionError(`${name} must have ${elements} values (batch × horizon × action size), got ${values.length}.`);
  }
  const floats = Float32Array.from(values);
  const bad = floats.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new OptionError(`${name} has ${String(values[bad])} at index ${bad}: finite numbers are needed.`);
  return floats;
}
