import { START_STATUS } from '../../kernels/sampling/start.wgsl.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { NonFiniteError } from '../foundation/errors.js';

const NONE: ReadonlyMap<number, NonFiniteError> = new Map();

/**
 * Samples of a batch that were NaN or infinite, by their place, each with what went wrong first. `codes`: u32 [b], as the
 * kernels raised them.
 */
export function findNonFinite(
  codes: Uint32Array,
  schedule: Schedule,
  normalizedChunk: Float32Array,
  chunk: Float32Array,
): ReadonlyMap<number, NonFiniteError> {
  if (areZero(codes) && areFinite(chunk) && areFinite(normalizedChunk)) return NONE;
  const size = chunk.length / codes.length;
  const failures = new Map<number, NonFiniteError>();
  codes.forEach((code, sample) => {
    const own = (values: Float32Array): Float32Array => values.subarray(sample * size, (sample + 1) * size);
    const isFinite = code === 0 && areFinite(own(chunk)) && areFinite(own(normalizedChunk));
    if (!isFinite) failures.set(sample, new NonFiniteError(reason(code, schedule)));
  });
  return failures;
}

function reason(code: number, { steps }: Schedule): string {
  if (code === START_STATUS) {
    return 'the start of the decision is NaN or infinite: the predictor is not usable for this observation. No action is returned.';
  }
  if (code === 0) return 'the actions are NaN or infinite after the last solver step. No action is returned.';
  const index = steps.length - code;
  const { timestep, network } = steps[index] ?? {};
  return (
    `the U-Net's output is NaN or infinite at denoising step ${index + 1} of ${steps.length} (timestep ${timestep}` +
    `${network === undefined ? '' : `, network ${network}`}). ` +
    "No action is returned: check the observation's range and the checkpoint."
  );
}

/** Plain loops: `every` with a function makes an object of each number. */
export function areFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

function areZero(codes: Uint32Array): boolean {
  for (let i = 0; i < codes.length; i++) if (codes[i] !== 0) return false;
  return true;
}
