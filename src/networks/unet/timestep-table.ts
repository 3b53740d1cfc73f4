import { loadLinear, recordConv1d } from '../../ops/conv1d.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import type { OffsetValues, StepOffset } from '../../runtime/step-offsets.js';
import { asTokens, type Tensor, tokens } from '../../runtime/tensor.js';
import { type FilmWeights, filmRowStride } from './film.js';

/** What the network needs to know of each timestep, computed once when it is loaded. Row t belongs to timestep t. */
export interface TimestepTable {
  /** Output of `diffusion_step_encoder`, f32 [timesteps][stepEmbedDim]. */
  readonly embeddings: GPUBuffer;
  readonly embeddingRowBytes: number;
  /** Timestep part of all FiLM projections; rows of `film.rowLength` f32, `filmRowBytes` apart. */
  readonly filmRows: GPUBuffer;
  readonly filmRowBytes: number;
}

/** The offsets of a plan that choose the rows of an evaluation. */
export interface TimestepOffsets {
  readonly filmRow: StepOffset;
  readonly embeddingRow: StepOffset;
}

export function timestepOffsets(builder: PlanBuilder): TimestepOffsets {
  return { filmRow: builder.offset('film row'), embeddingRow: builder.offset('embedding row') };
}

/** Makes a replay the evaluation of `timestep`. */
export function chooseTimestep(values: OffsetValues, offsets: TimestepOffsets, table: TimestepTable, timestep: number): void {
  values.set(offsets.filmRow, timestep * table.filmRowBytes);
  values.set(offsets.embeddingRow, timestep * table.embeddingRowBytes);
}

/**
 * Sinusoidal embedding of timesteps 0 … count − 1: all sines, then all cosines, of t · exp(−ln(10000) · i / (d/2 − 1)).
 * Frequencies and angles are rounded to f32 where PyTorch rounds them, sine and cosine are taken in float64: shader
 * sines are too coarse for large angles. (LeRobot DiffusionSinusoidalPosEmb.)
 */
export function sinusoidalEmbedding(count: number, dim: number): Float32Array {
  return sinusoids(
    Array.from({ length: count }, (_, t) => t),
    dim,
    true,
  );
}

/** The same of any levels, which need not be integers; f32 [levels][dim]. Not `rounded`: frequencies and angles are float64. */
export function sinusoids(levels: readonly number[], dim: number, rounded: boolean): Float32Array {
  const round = rounded ? Math.fround : (value: number): number => value;
  const half = dim / 2;
  const scale = round(-Math.log(10000) / (half - 1));
  const embedding = new Float32Array(levels.length * dim);
  for (let i = 0; i < half; i++) {
    const frequency = round(Math.exp(round(i * scale)));
    levels.forEach((level, row) => {
      const angle = round(round(level) * frequency);
      embedding[row * dim + i] = Math.sin(angle);
      embedding[row * dim + half + i] = Math.cos(angle);
    });
  }
  return embedding;
}

/**
 * Runs `diffusion_step_encoder` (linear, Mish, linear) and the timestep part of FiLM for every timestep, with the same
 * kernels as everything else.
 */
export async function buildTimestepTable(
  loader: WeightLoader,
  film: FilmWeights,
  stepEmbedDim: number,
  count: number,
): Promise<TimestepTable> {
  const { uploader } = loader;
  const { device } = uploader;
  const linear1 = await loadLinear(loader, 'diffusion_step_encoder.1', stepEmbedDim, 4 * stepEmbedDim);
  const linear3 = await loadLinear(loader, 'diffusion_step_encoder.3', 4 * stepEmbedDim, stepEmbedDim);
  const filmRowBytes = filmRowStride(film.rowLength, device.limits.minStorageBufferOffsetAlignment);
  const sinusoids = await uploader.uploadFloats('sinusoids of the timesteps', sinusoidalEmbedding(count, stepEmbedDim));
  const embeddings = await uploader.allocate('embeddings of the timesteps', count * stepEmbedDim * 4);
  const filmRows = await uploader.allocate('FiLM rows of the timesteps', count * filmRowBytes);

  const builder = new PlanBuilder(device);
  builder.segment('table');
  const input = asTokens(builder.existing(sinusoids), 1, count, stepEmbedDim);
  const hidden = tokens(builder, 'hidden of the timesteps', 1, count, 4 * stepEmbedDim);
  const embedding = asTokens(builder.existing(embeddings), 1, count, stepEmbedDim);
  const rows: Tensor = {
    buffer: builder.existing(filmRows),
    layout: { offset: 0, batchStride: 0, channelStride: 1, timeStride: filmRowBytes / 4 },
    batch: 1,
    channels: film.rowLength,
    length: count,
  };
  recordConv1d(builder, linear1, { x: input, y: hidden, outActivation: 'mish' });
  recordConv1d(builder, linear3, { x: hidden, y: embedding });
  // Twice, with and without Mish: the product below would otherwise repeat Mish of all columns in every invocation.
  const activated = tokens(builder, 'Mish of the embeddings', 1, count, stepEmbedDim);
  recordConv1d(builder, linear3, { x: hidden, y: activated, outActivation: 'mish' });
  recordConv1d(builder, film.timestep, { x: activated, y: rows });
  const plan = await compilePlan(device, builder);
  const encoder = device.gpuDevice.createCommandEncoder({ label: 'timestep table' });
  plan.encode(encoder, [{ segment: 'table' }]);
  device.gpuDevice.queue.submit([encoder.finish()]);
  await device.settle(device.gpuDevice.queue.onSubmittedWorkDone());
  plan.destroy();
  return { embeddings, embeddingRowBytes: stepEmbedDim * 4, filmRows, filmRowBytes };
}
