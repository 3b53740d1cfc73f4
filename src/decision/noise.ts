import { fillNormal, fillUniform } from '../diffusion/philox.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkList, copyNumbers } from '../foundation/options.js';

/** Noise of one run over one sample, standard normal. */
export interface RunNoise {
  /** f32 [horizon][actionDim]. */
  readonly noise: Float32Array;
  /** One row f32 [horizon][actionDim] per noisy step of the schedule. */
  readonly stepNoise: readonly Float32Array[];
}

/** Noise that a caller gives instead of a seed, e.g. to compare with another implementation. */
export interface GivenNoise {
  readonly noise?: ArrayLike<number> | undefined;
  readonly stepNoise?: readonly ArrayLike<number>[] | undefined;
  /** What a CVAE decodes beside its condition, `latentDim` values. */
  readonly latent?: ArrayLike<number> | undefined;
  /**
   * What the strategy draws besides the noise of its runs, standard normal, in its order: as many values as it needs, or more. SDP: slots that
   * come in behind the decision, past slots of the next buffer, and at the first decision the buffer, twice (the second is what noises it again
   * where it was denoised as a whole). RNR-DP: the slot that comes in, and at the first decision the buffer, and the slots behind earlier passes.
   */
  readonly normals?: ArrayLike<number> | undefined;
}

/** The random values that a start reads, standard normal times `std` where they are drawn. */
export interface LatentShape {
  readonly latentDim: number;
  readonly latentStd: number;
}

const NOTHING_GIVEN: GivenNoise = {};

/**
 * The given noise of a decision, checked. The caller may reuse its arrays as soon as a call is made: these are copies. How long rows of step
 * noise are is left to `runNoise`: the network of a method may have another horizon than the policy, whose chunk size this is.
 * @throws OptionError for noise of the wrong size, or not finite, and for a latent that nothing reads.
 */
export function checkedNoise({ noise, stepNoise, latent, normals }: GivenNoise, chunkSize: number, latentDim = 0): GivenNoise {
  if (noise === undefined && stepNoise === undefined && latent === undefined && normals === undefined) return NOTHING_GIVEN;
  const rows: Float32Array[] = [];
  if (stepNoise !== undefined) {
    checkList('noise', 'stepNoise', stepNoise, (row, index) => rows.push(checkedRow(`stepNoise[${index}]`, row)));
  }
  if (latent !== undefined && latentDim === 0) {
    throw new OptionError(
      'latent: the policy has no CVAE that would decode one. Leave it out, or load the policy with one: networks: { predictor }.',
    );
  }
  return {
    noise: noise === undefined ? undefined : checkedFloats('noise', noise, chunkSize),
    latent: latent === undefined ? undefined : checkedFloats('latent', latent, latentDim, 'one for each latent of the CVAE'),
    stepNoise: stepNoise === undefined ? undefined : rows,
    normals: normals === undefined ? undefined : checkedRow('normals', normals),
  };
}

/** More than any strategy draws for a decision. */
const MOST_NORMALS = 10_000_000;

/** A copy of values whose number depends on the strategy, or on the network that a run goes through: whoever takes them checks it. */
function checkedRow(name: string, values: ArrayLike<number>): Float32Array {
  const length: unknown = (values as { readonly length?: unknown } | null)?.length;
  const count = checkInteger('noise', `the length of ${name}`, length, 1, MOST_NORMALS);
  return checkedFloats(name, values, count, 'as many as it has');
}

/** Which noise a sample gets where none is given: the same key, the same bits, whatever else was drawn. */
export interface NoiseSeed {
  readonly seed: number;
  readonly episode: number;
  readonly decision: number;
  /** Position among decisions that share the rest of the key. */
  readonly sample: number;
}

const NO_ROWS: readonly Float32Array[] = [];

/** Purposes of a sample's draws: row 0 starts, rows 1 … are of solver steps, the last ones of a strategy's choices. */
const ROWS_PER_SAMPLE = 2 ** 16;
const UNIFORM_ROW = ROWS_PER_SAMPLE - 1;
const NORMAL_ROW = ROWS_PER_SAMPLE - 2;
const LATENT_ROW = ROWS_PER_SAMPLE - 3;

/**
 * The given noise of a sample, or seeded noise in its place. `firstRow`: rows of step noise that earlier runs of the decision took, where it
 * has several; given rows are then those of all of them, and a decision may leave some over.
 * @throws OptionError where the rows are not as many as the schedule needs, or one that the run takes is not as long as its chunk.
 */
export function runNoise(
  schedule: Schedule,
  chunkSize: number,
  seed: NoiseSeed,
  { noise, stepNoise }: GivenNoise,
  firstRow?: number,
): RunNoise {
  const needed = (firstRow ?? 0) + schedule.noisySteps;
  if (stepNoise && (firstRow === undefined ? stepNoise.length !== needed : stepNoise.length < needed)) {
    const rows = firstRow === undefined ? `${needed} rows, one per noisy step of ${schedule.solver}` : `${needed} rows or more`;
    throw new OptionError(`stepNoise must have ${rows}, found ${stepNoise.length}.`);
  }
  const first = firstRow ?? 0;
  const start = noise ? Float32Array.from(noise) : normals(chunkSize, seed, 0);
  if (schedule.noisySteps === 0) return { noise: start, stepNoise: NO_ROWS };
  const rows: Float32Array[] = [];
  for (let row = 0; row < schedule.noisySteps; row++) {
    const values = stepNoise?.[first + row];
    if (values && values.length !== chunkSize) {
      throw new OptionError(
        `stepNoise[${first + row}] must have ${chunkSize} values (horizon × action size, of the network that the decision runs), ` +
          `found ${values.length}.`,
      );
    }
    rows.push(values ? Float32Array.from(values) : normals(chunkSize, seed, first + row + 1));
  }
  return { noise: start, stepNoise: rows };
}

/** The given latent of a sample, or a seeded one in its place. */
export function latentOf({ latentDim, latentStd }: LatentShape, seed: NoiseSeed, { latent }: GivenNoise): Float32Array {
  if (latent) return Float32Array.from(latent);
  return normals(latentDim, seed, LATENT_ROW).map((value) => value * latentStd);
}

/** Numbers for a strategy's choices, uniform in (0, 1). */
export function choiceNumbers(count: number, seed: NoiseSeed): Float64Array {
  const values = new Float64Array(count);
  fillUniform(values, noiseKey(seed, UNIFORM_ROW));
  return values;
}

/** Standard normal numbers for a strategy, besides the noise of its runs. */
export function choiceNoise(count: number, seed: NoiseSeed): Float32Array {
  return normals(count, seed, NORMAL_ROW);
}

function normals(count: number, seed: NoiseSeed, row: number): Float32Array {
  const values = new Float32Array(count);
  fillNormal(values, noiseKey(seed, row));
  return values;
}

function noiseKey({ seed, episode, decision, sample }: NoiseSeed, row: number): Parameters<typeof fillNormal>[1] {
  return { seed, episode, decision, purpose: sample * ROWS_PER_SAMPLE + row };
}

/** A copy of a caller's values. @throws OptionError where they are not as many, or not finite f32. */
export function checkedFloats(name: string, values: ArrayLike<number>, elements: number, what = 'horizon × action size'): Float32Array {
  const badValue = (found: string, index: number): OptionError =>
    new OptionError(`${name} has ${found} at index ${index}: finite numbers are needed.`);
  const floats = Float32Array.from(
    copyNumbers(values, elements, (found, index) =>
      index === undefined ? new OptionError(`${name} must have ${elements} values (${what}), found ${found}.`) : badValue(found, index),
    ),
  );
  const bad = floats.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw badValue(String(values[bad]), bad);
  return floats;
}
