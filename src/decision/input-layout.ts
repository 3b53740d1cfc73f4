import { START_SCALES_BYTES } from '../../kernels/sampling/start.wgsl.js';
import { alignUp, OFFSET_ALIGNMENT } from '../runtime/buffers.js';

/** Sizes that fix what a decision uploads. */
export interface DecisionShape {
  readonly batch: number;
  readonly observationSteps: number;
  /** Values of one observation frame. */
  readonly frameWidth: number;
  readonly horizon: number;
  readonly actionDim: number;
  /** Denoising steps that fit. */
  readonly maxSteps: number;
  /** Rows of step noise (DDPM, DDIM with η > 0) that fit. */
  readonly maxNoiseRows: number;
  /** Whether solver steps can threshold dynamically. Default false. */
  readonly thresholding?: boolean;
}

/** A part of the upload, in bytes. */
export interface InputRange {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Where everything that goes up with a decision lies in one buffer, so that it goes up in one write. Parts begin at
 * multiples of 256 bytes, to be bound on their own. What varies in length comes last.
 */
export interface InputLayout {
  /** Raw observations f32 [b][observationSteps][frameWidth]. */
  readonly observations: InputRange;
  /** Previous chunk, normalised, f32 [b][horizon][actionDim]. */
  readonly history: InputRange;
  /** Initial noise f32 [b][horizon][actionDim]. */
  readonly noise: InputRange;
  /** Prediction scale and noise scale of the start, vec2f [b]. */
  readonly scales: InputRange;
  /** Solver coefficients, one uniform per denoising step, `stepStride` apart. */
  readonly steps: InputRange;
  readonly stepStride: number;
  /** Step noise, rows of f32 [b][horizon][actionDim], `noiseStride` apart; at least one row, so that it can be bound. */
  readonly stepNoise: InputRange;
  readonly noiseStride: number;
  readonly bytes: number;
}

export function inputLayout(shape: DecisionShape): InputLayout {
  const { batch, observationSteps, frameWidth, horizon, actionDim } = shape;
  const chunkBytes = batch * horizon * actionDim * 4;
  let end = 0;
  const range = (bytes: number): InputRange => {
    const offset = end;
    end += alignUp(bytes, OFFSET_ALIGNMENT);
    return { offset, bytes };
  };
  const stepStride = OFFSET_ALIGNMENT;
  const noiseStride = alignUp(chunkBytes, OFFSET_ALIGNMENT);
  return {
    observations: range(batch * observationSteps * frameWidth * 4),
    history: range(chunkBytes),
    noise: range(chunkBytes),
    scales: range(batch * START_SCALES_BYTES),
    steps: range(shape.maxSteps * stepStride),
    stepStride,
    stepNoise: range(Math.max(1, shape.maxNoiseRows) * noiseStride),
    noiseStride,
    bytes: end,
  };
}
