import { type Conv1dWeights, loadLinear, recordConv1d } from '../../ops/conv1d.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import type { OffsetValues, StepOffset } from '../../runtime/step-offsets.js';
import { asTokens, type Tensor, tokens } from '../../runtime/tensor.js';
import type { Uploader } from '../../runtime/uploader.js';
import { type LevelEncoding, ONE_TIMESTEP, type UnetShape } from '../../spec/network-shapes.js';
import { type FilmWeights, filmRowStride } from './film.js';

/** What the network needs to know of each level of noise, a row for each. Of a policy's network, row t belongs to timestep t. */
export interface TimestepTable {
  /** Output of `diffusion_step_encoder`, f32 [levels][stepEmbedDim]; of a network that embeds several values, one after the other. */
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

/** Makes a replay the evaluation of the level of a row; of timesteps, row t is that of timestep t. */
export function chooseRow(values: OffsetValues, offsets: TimestepOffsets, table: TimestepTable, row: number): void {
  values.set(offsets.filmRow, row * table.filmRowBytes);
  values.set(offsets.embeddingRow, row * table.embeddingRowBytes);
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

/** `diffusion_step_encoder` of a U-Net on the device: linear, Mish, linear. */
export interface LevelEncoder {
  readonly encoding: LevelEncoding;
  readonly stepEmbedDim: number;
  readonly linear1: Conv1dWeights;
  readonly linear2: Conv1dWeights;
}

export async function loadLevelEncoder(loader: WeightLoader, { stepEmbedDim, levels = ONE_TIMESTEP }: UnetShape): Promise<LevelEncoder> {
  const [first, second] = levels.layers.map((layer) => `diffusion_step_encoder.${layer}`) as [string, string];
  const linear1 = await loadLinear(loader, first, levels.joined * stepEmbedDim, 4 * stepEmbedDim);
  const linear2 = await loadLinear(loader, second, 4 * stepEmbedDim, stepEmbedDim);
  return { encoding: levels, stepEmbedDim, linear1, linear2 };
}

/**
 * Runs `diffusion_step_encoder` (linear, Mish, linear) and the timestep part of FiLM for every level, with the same
 * kernels as everything else. `levels`: of each row the values that the network embeds, embeddings × joined of its encoding. The table
 * lives as long as what `uploader` brought.
 */
export async function buildTimestepTable(
  uploader: Uploader,
  { encoding, stepEmbedDim, linear1, linear2 }: LevelEncoder,
  film: FilmWeights,
  levels: readonly (readonly number[])[],
): Promise<TimestepTable> {
  const { device } = uploader;
  const { embeddings: perRow, joined } = encoding;
  const wrong = levels.find((values) => values.length !== perRow * joined);
  if (wrong) throw new TypeError(`level table: a level of ${wrong.length} values, the network embeds ${perRow * joined}`);
  const rowCount = levels.length;
  const count = rowCount * perRow;
  const filmRowBytes = filmRowStride(film.rowLength, device.limits.minStorageBufferOffsetAlignment);
  const waves = await uploader.uploadFloats('sinusoids of the timesteps', sinusoids(levels.flat(), stepEmbedDim, encoding.rounded));
  const embeddings = await uploader.allocate('embeddings of the timesteps', count * stepEmbedDim * 4);
  const filmRows = await uploader.allocate('FiLM rows of the timesteps', rowCount * filmRowBytes);

  const builder = new PlanBuilder(device);
  builder.segment('table');
  const input = asTokens(builder.existing(waves), 1, count, joined * stepEmbedDim);
  const hidden = tokens(builder, 'hidden of the timesteps', 1, count, 4 * stepEmbedDim);
  const embedding = asTokens(builder.existing(embeddings), 1, count, stepEmbedDim);
  const rows: Tensor = {
    buffer: builder.existing(filmRows),
    layout: { offset: 0, batchStride: 0, channelStride: 1, timeStride: filmRowBytes / 4 },
    batch: 1,
    channels: film.rowLength,
    length: rowCount,
  };
  recordConv1d(builder, linear1, { x: input, y: hidden, outActivation: 'mish' });
  recordConv1d(builder, linear2, { x: hidden, y: embedding });
  // Twice, with and without Mish: the product below would otherwise repeat Mish of all columns in every invocation.
  const activated = tokens(builder, 'Mish of the embeddings', 1, count, stepEmbedDim);
  recordConv1d(builder, linear2, { x: hidden, y: activated, outActivation: 'mish' });
  // Embeddings of a row lie one after the other: together they are one token.
  recordConv1d(builder, film.timestep, { x: asTokens(activated.buffer, 1, rowCount, perRow * stepEmbedDim), y: rows });
  const plan = await compilePlan(device, builder);
  const encoder = device.gpuDevice.createCommandEncoder({ label: 'timestep table' });
  plan.encode(encoder, [{ segment: 'table' }]);
  device.gpuDevice.queue.submit([encoder.finish()]);
  await device.settle(device.gpuDevice.queue.onSubmittedWorkDone());
  plan.destroy();
  return { embeddings, embeddingRowBytes: perRow * stepEmbedDim * 4, filmRows, filmRowBytes };
}
