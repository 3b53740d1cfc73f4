import { recordMishForward } from '../../ops/backward/pointwise.js';
import { type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import type { SlotFilm } from '../../ops/norm.js';
import { recordSlotConditioning } from '../../ops/slot-conditioning.js';
import { roundVector, uploadMatrix, uploadVector } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { channelsFirst, type Tensor, tokens } from '../../runtime/tensor.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { type SlotStage, slotStages } from './slot-stages.js';

/** A stage's part of the conditioning, on the device. */
interface StageWeights extends SlotStage {
  /** From the stage before; undefined for the first. */
  readonly conv: Conv1dWeights | undefined;
  /** The FiLM projections of all blocks, one matrix. */
  readonly film: Conv1dWeights;
}

/** Everything of a U-Net that reads its conditioning, where that is a sequence: a vector for every row of the chunk. */
export interface SlotConditioning {
  readonly scale: boolean;
  readonly stages: readonly StageWeights[];
}

export async function loadSlotConditioning(loader: WeightLoader, shape: UnetShape): Promise<SlotConditioning> {
  const width = shape.stepEmbedDim + shape.conditioningDim;
  const stages: StageWeights[] = [];
  for (const stage of slotStages(shape)) {
    const { resample } = stage;
    const layer = { inChannels: width, outChannels: width };
    const conv = resample && (await loadConv1d(loader, resample.name, { ...layer, ...resample }));
    stages.push({ ...stage, conv, film: await loadStageFilm(loader, stage, width) });
  }
  return { scale: shape.scaleModulation, stages };
}

/** `<block>.cond_encoder.1.{weight,bias}` of all blocks of a stage, one below the other. */
async function loadStageFilm(loader: WeightLoader, { blocks }: SlotStage, width: number): Promise<Conv1dWeights> {
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  const weights = new Float32Array(rows * width);
  const biases = new Float32Array(rows);
  let first = 0;
  for (const { name, rows: own } of blocks) {
    weights.set(await loader.source.readFloats(`${name}.cond_encoder.1.weight`), first * width);
    const bias = await loader.source.readFloats(`${name}.cond_encoder.1.bias`);
    roundVector(loader, loader.source.locate(`${name}.cond_encoder.1.bias`), bias);
    biases.set(bias, first);
    first += own;
  }
  const view = { rows: width, columns: rows, taps: 1, offset: 0, inputStride: 1, outputStride: width };
  return {
    ...(await uploadMatrix(loader, 'FiLM weights of the slots', weights, view)),
    bias: await uploadVector(loader, 'FiLM biases of the slots', biases),
    inChannels: width,
    outChannels: rows,
    kernelSize: 1,
    transposed: false,
  };
}

/**
 * Records the FiLM values of every column of every residual block. `embeddings`: of the levels of all rows of the chunk, f32
 * [slots][stepEmbedDim]; `conditioning`: one token [conditioningDim] a sample. Returns where each block finds its values, by its name.
 */
export function recordSlotFilm(
  builder: PlanBuilder,
  { stages, scale }: SlotConditioning,
  slots: number,
  embeddings: GPUBuffer,
  conditioning: Tensor,
): ReadonlyMap<string, SlotFilm> {
  const { batch } = conditioning;
  const films = new Map<string, SlotFilm>();
  let sequence: Tensor | undefined;
  for (const { blocks, halvings, conv, film } of stages) {
    const length = slots / 2 ** halvings;
    const next = tokens(builder, `conditioning of the slots, ${length}`, batch, length, film.inChannels);
    const activated = tokens(builder, `Mish of the conditioning, ${length}`, batch, length, film.inChannels);
    if (conv && sequence) {
      recordConv1d(builder, conv, { x: sequence, y: next, stride: 2, padding: 1 });
      recordMishForward(builder, plainRows(next), undefined, plainRows(activated));
    } else {
      recordSlotConditioning(builder, builder.existing(embeddings), conditioning, next, activated);
    }
    const rows = channelsFirst(builder, `FiLM rows of the slots, ${length}`, batch, film.outChannels, length);
    recordConv1d(builder, film, { x: activated, y: rows });
    let offset = 0;
    for (const block of blocks) {
      films.set(block.name, { slotRows: rows.buffer, rowLength: film.outChannels, offset, scale });
      offset += block.rows;
    }
    sequence = next;
  }
  return films;
}

/** Tokens as the rows that ops of training know. */
function plainRows({ buffer, batch, length, channels }: Tensor): Rows {
  return { buffer, batch, length, channels, offset: 0, stride: channels };
}
