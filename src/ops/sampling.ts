import { drawStartKernel } from '../../kernels/sampling/draw-start.wgsl.js';
import { normalizeKernel } from '../../kernels/sampling/normalize.wgsl.js';
import { shiftChunkKernel } from '../../kernels/sampling/shift-chunk.wgsl.js';
import { solverStepKernel } from '../../kernels/sampling/solver-step.wgsl.js';
import { STEP_UNIFORM_BYTES } from '../../kernels/sampling/solver-update.wgsl.js';
import { startKernel } from '../../kernels/sampling/start.wgsl.js';
import { thresholdingStepKernel } from '../../kernels/sampling/thresholding-step.wgsl.js';
import { unnormalizeKernel } from '../../kernels/sampling/unnormalize.wgsl.js';
import { UNIFORM_BINDING_BYTES } from '../runtime/buffers.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import type { StepOffset } from '../runtime/step-offsets.js';
import { probeTensor, type Tensor } from '../runtime/tensor.js';
import type { PartialSums } from './partial-sums.js';

const INVOCATIONS = 64;
/** What the network's output is probed as. */
const OUTPUT_PROBE = 'model_output';

/** A range of a buffer, in bytes. */
export interface BufferRange {
  readonly buffer: BufferHandle;
  readonly offset: number;
  readonly bytes: number;
}

/** The range of step 0, and what moves it on to that of another step. */
export interface StepRange extends BufferRange {
  readonly stepOffset: StepOffset;
}

function grid(elements: number, batch: number): [number, number, number] {
  return [Math.ceil(elements / INVOCATIONS), 1, batch];
}

/** Records y = normalise(x); x is raw observations [b][frames][width], y the conditioning as tokens of `width`. */
export function recordNormalize(builder: PlanBuilder, x: BufferRange, statistics: GPUBuffer, y: Tensor): void {
  const kernel = normalizeKernel(y.length, y.channels, INVOCATIONS);
  builder.dispatch(kernel, [x, { buffer: builder.existing(statistics) }, { buffer: y.buffer }], grid(y.length * y.channels, y.batch));
}

/** Records x = un-normalise(y) for a chunk as tokens of the action size. */
export function recordUnnormalize(builder: PlanBuilder, y: Tensor, statistics: GPUBuffer, x: BufferHandle): void {
  const kernel = unnormalizeKernel(y.length, y.channels, INVOCATIONS);
  builder.dispatch(
    kernel,
    [{ buffer: y.buffer }, { buffer: builder.existing(statistics) }, { buffer: x }],
    grid(y.length * y.channels, y.batch),
  );
}

/** Records y = chunk x moved forward by `rows` rows. */
export function recordShiftChunk(builder: PlanBuilder, x: BufferRange, rows: number, y: Tensor): void {
  const kernel = shiftChunkKernel(y.length, y.channels, rows, INVOCATIONS);
  builder.dispatch(kernel, [x, { buffer: y.buffer }], grid(y.length * y.channels, y.batch));
}

/** Records sample = predictionScale · prediction + noiseScale · noise, with two scales per sample of the batch. */
export function recordStart(
  builder: PlanBuilder,
  call: {
    readonly scales: BufferRange;
    readonly prediction: Tensor;
    readonly noise: BufferRange;
    readonly sample: Tensor;
    readonly status: BufferHandle;
  },
): void {
  const { sample } = call;
  const elements = sample.length * sample.channels;
  builder.dispatch(
    startKernel(elements, INVOCATIONS),
    [call.scales, { buffer: call.prediction.buffer }, call.noise, { buffer: sample.buffer }, { buffer: call.status }],
    grid(elements, sample.batch),
  );
}

/** Records y = mean + softplus(std) · noise, and std ← softplus(std). Tensors are tokens of one shape, noise f32 of as many values. */
export function recordDrawStart(
  builder: PlanBuilder,
  { mean, std, noise, y }: { readonly mean: Tensor; readonly std: Tensor; readonly noise: BufferRange; readonly y: Tensor },
): void {
  const elements = y.length * y.channels;
  const kernel = drawStartKernel(elements, INVOCATIONS);
  builder.dispatch(kernel, [{ buffer: mean.buffer }, noise, { buffer: std.buffer }, { buffer: y.buffer }], grid(elements, y.batch));
}

/** What a solver step reads and writes. */
export interface SolverStepCall {
  /** Coefficients; `bytes` is ignored. */
  readonly steps: StepRange;
  /** The network's, as tokens; or partial sums of it, their bias f32 [channels], and where the whole is written for its probe, `model_output`. */
  readonly output: Tensor | { readonly sums: PartialSums; readonly bias: GPUBuffer; readonly whole: Tensor };
  /** A row of noise. */
  readonly noise: StepRange;
  readonly sample: Tensor;
  /** x0 of the last two steps, two f32 per element of the sample. */
  readonly pastX0: BufferHandle;
  readonly status: BufferHandle;
  /** Whether the steps may threshold dynamically: then a workgroup goes through a whole sample. */
  readonly thresholding: boolean;
  /** Sets of coefficients of a step: one for each row of the sample; 1 (default): one for all. Without thresholding. */
  readonly slotRows?: number;
}

/** Records one solver step on `sample`, with the coefficients and the noise row of the step it is replayed for. */
export function recordSolverStep(builder: PlanBuilder, call: SolverStepCall): void {
  const { sample, thresholding, output, slotRows = 1 } = call;
  const slots = slotRows === 1 ? undefined : { rows: slotRows, channels: sample.channels };
  if (slots && (thresholding || slotRows !== sample.length || slotRows * STEP_UNIFORM_BYTES > UNIFORM_BINDING_BYTES)) {
    throw new TypeError(
      `solver step: coefficients for ${slotRows} rows of ${sample.length}${thresholding ? ' with thresholding' : ''}; one set for each row, ` +
        `without thresholding, in at most ${UNIFORM_BINDING_BYTES} bytes`,
    );
  }
  const elements = sample.length * sample.channels;
  const sums = 'sums' in output ? output.sums : undefined;
  if (sums && (sums.tokens !== true || sums.channels !== sample.channels || sums.length !== sample.length)) {
    throw new TypeError(`solver step: sums of ${sums.channels}x${sums.length}, tokens of ${sample.channels}x${sample.length} are needed`);
  }
  const whole = 'sums' in output && builder.wantsProbe(OUTPUT_PROBE) ? output.whole : undefined;
  const parts = sums && { parts: sums.splits, channels: sums.channels, stored: whole !== undefined };
  if (!('sums' in output)) probeTensor(builder, OUTPUT_PROBE, output);
  builder.dispatch(
    thresholding ? thresholdingStepKernel(elements, INVOCATIONS, parts) : solverStepKernel(elements, INVOCATIONS, parts, slots),
    [
      { ...call.steps, bytes: slotRows * STEP_UNIFORM_BYTES },
      ...('sums' in output ? [{ buffer: output.sums.buffer }, { buffer: builder.existing(output.bias) }] : [{ buffer: output.buffer }]),
      call.noise,
      { buffer: sample.buffer },
      { buffer: call.pastX0 },
      { buffer: call.status },
      ...(whole ? [{ buffer: whole.buffer }] : []),
    ],
    thresholding ? [1, 1, sample.batch] : grid(elements, sample.batch),
  );
  if (whole) probeTensor(builder, OUTPUT_PROBE, whole);
}
