import type { Conv1dWeights } from '../../ops/conv1d.js';
import { roundVector, uploadMatrix, uploadVector } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { alignUp } from '../../runtime/buffers.js';

/**
 * The FiLM projections of all residual blocks as two matrices.
 *
 * A block's projection is linear in mish([timestep embedding, conditioning]) and so splits exactly into a part that
 * depends on the timestep alone (tabulated at load) and one that depends on the observation alone (one product per
 * decision, for all blocks and all denoising steps). Bias belongs to the observation part.
 */
export interface FilmWeights {
  readonly timestep: Conv1dWeights;
  readonly observation: Conv1dWeights;
  /** Values of one row: 2 · channels per block with scale, channels without. */
  readonly rowLength: number;
  /** First value of each block, by block name. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** A residual block as far as FiLM is concerned. */
export interface FilmBlock {
  readonly name: string;
  /** Rows of its `cond_encoder.1.weight`. */
  readonly rows: number;
}

/**
 * Loads `<block>.cond_encoder.1.{weight,bias}` of all blocks; weights are [rows][levelWidth + conditioningDim], `levelWidth`
 * being that of the shape.
 */
export async function loadFilm(
  loader: WeightLoader,
  blocks: readonly FilmBlock[],
  levelWidth: number,
  conditioningDim: number,
): Promise<FilmWeights> {
  const width = levelWidth + conditioningDim;
  const rowLength = blocks.reduce((sum, block) => sum + block.rows, 0);
  const weights = new Float32Array(rowLength * width);
  const biases = new Float32Array(rowLength);
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const { name, rows } of blocks) {
    offsets.set(name, offset);
    weights.set(await loader.source.readFloats(`${name}.cond_encoder.1.weight`), offset * width);
    const bias = await loader.source.readFloats(`${name}.cond_encoder.1.bias`);
    roundVector(loader, loader.source.locate(`${name}.cond_encoder.1.bias`), bias);
    biases.set(bias, offset);
    offset += rows;
  }
  const part = async (label: string, first: number, inChannels: number, bias?: GPUBuffer): Promise<Conv1dWeights> => ({
    ...(await uploadMatrix(loader, label, weights, {
      rows: inChannels,
      columns: rowLength,
      taps: 1,
      offset: first,
      inputStride: 1,
      outputStride: width,
    })),
    bias,
    inChannels,
    outChannels: rowLength,
    kernelSize: 1,
    transposed: false,
  });
  return {
    timestep: await part('FiLM weights of the timestep', 0, levelWidth),
    observation: await part(
      'FiLM weights of the observation',
      levelWidth,
      conditioningDim,
      await uploadVector(loader, 'FiLM biases', biases),
    ),
    rowLength,
    offsets,
  };
}

/** Bytes between rows of the table of timestep parts: rows are bound at dynamic offsets. */
export function filmRowStride(rowLength: number, alignment: number): number {
  return alignUp(rowLength * 4, alignment);
}
