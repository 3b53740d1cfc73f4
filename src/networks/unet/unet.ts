import { type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import { type FilmBinding, type FoldedNorm, loadFoldedNorm, recordGroupNorm } from '../../ops/norm.js';
import { type PartialSums, partialSums } from '../../ops/partial-sums.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { channelRange, channelsFirst, probeTensor, type Tensor } from '../../runtime/tensor.js';
import { FINAL_GROUPS, levelWidth, type UnetShape } from '../../spec/network-shapes.js';
import { type FilmBlock, type FilmWeights, loadFilm } from './film.js';
import { type Flow, finished, joinedFlow, splitsOf } from './flow.js';
import { keptIf, loadResample, type Resample, recordResample } from './resample.js';
import { loadResidualBlock, type ResidualBlock, type ResidualBlockShape, recordResidualBlock } from './residual-block.js';
import { buildTimestepTable, type LevelEncoder, loadLevelEncoder, type TimestepOffsets, type TimestepTable } from './timestep-table.js';

interface DownLevel {
  readonly blocks: readonly [ResidualBlock, ResidualBlock];
  readonly downsample: Resample | undefined;
}

interface UpLevel {
  readonly blocks: readonly [ResidualBlock, ResidualBlock];
  readonly upsample: Resample;
}

/** What a U-Net does to its sample, on the device. */
export interface UnetBlocks {
  readonly shape: UnetShape;
  readonly down: readonly DownLevel[];
  readonly mid: readonly [ResidualBlock, ResidualBlock];
  readonly up: readonly UpLevel[];
  readonly finalConv: Conv1dWeights;
  readonly finalNorm: FoldedNorm;
  readonly outConv: Conv1dWeights;
}

/** The denoising network on the device. */
export interface Unet extends UnetBlocks {
  readonly film: FilmWeights;
  readonly timesteps: TimestepTable;
}

/** Shapes of all residual blocks in the order of execution. */
export function residualBlockShapes(shape: UnetShape): ResidualBlockShape[] {
  const { downDims, kernelSize, groups } = shape;
  const last = downDims.length - 1;
  const dim = (level: number): number => downDims[level] as number;
  const pair = (name: string, inChannels: number, outChannels: number): ResidualBlockShape[] => [
    { name: `${name}.0`, inChannels, outChannels, kernelSize, groups },
    { name: `${name}.1`, inChannels: outChannels, outChannels, kernelSize, groups },
  ];
  return [
    ...downDims.flatMap((width, level) => pair(`down_modules.${level}`, level === 0 ? shape.actionDim : dim(level - 1), width)),
    ...pair('mid_modules', dim(last), dim(last)),
    ...Array.from({ length: last }, (_, j) => pair(`up_modules.${j}`, 2 * dim(last - j), dim(last - j - 1))).flat(),
  ];
}

/** The residual blocks as far as FiLM is concerned, in the order of execution. */
export function filmBlocks(shape: UnetShape): FilmBlock[] {
  return residualBlockShapes(shape).map(({ name, outChannels }) => ({ name, rows: outChannels * (shape.scaleModulation ? 2 : 1) }));
}

/** The network without its table: what a network needs whose levels follow from the schedules that run through it. */
export interface UnetWeights extends Omit<Unet, 'timesteps'> {
  readonly levelEncoder: LevelEncoder;
}

/**
 * Brings the network to the device.
 * `trainTimesteps`: timesteps 0 … trainTimesteps − 1 get a row of the FiLM table.
 */
export async function loadUnet(
  loader: WeightLoader,
  shape: UnetShape,
  trainTimesteps: number,
  onBlock?: (done: number, total: number) => void,
): Promise<Unet> {
  const { levelEncoder, ...weights } = await loadUnetWeights(loader, shape, onBlock);
  const levels = Array.from({ length: trainTimesteps }, (_, timestep) => [timestep]);
  return { ...weights, timesteps: await buildTimestepTable(loader.uploader, levelEncoder, weights.film, levels) };
}

/** Brings all of the network but its table to the device. */
export async function loadUnetWeights(
  loader: WeightLoader,
  shape: UnetShape,
  onBlock?: (done: number, total: number) => void,
): Promise<UnetWeights> {
  const film = await loadFilm(loader, filmBlocks(shape), levelWidth(shape), shape.conditioningDim);
  const levelEncoder = await loadLevelEncoder(loader, shape);
  return { ...(await loadUnetBlocks(loader, shape, onBlock)), film, levelEncoder };
}

/** Brings what a U-Net does to its sample to the device: all but the encoder of levels and the projections of FiLM. */
export async function loadUnetBlocks(
  loader: WeightLoader,
  shape: UnetShape,
  onBlock: (done: number, total: number) => void = () => {},
): Promise<UnetBlocks> {
  const { downDims, kernelSize } = shape;
  const last = downDims.length - 1;
  const dim = (level: number): number => downDims[level] as number;
  const shapes = residualBlockShapes(shape);
  const blocks: ResidualBlock[] = [];
  for (const blockShape of shapes) {
    blocks.push(await loadResidualBlock(loader, blockShape));
    onBlock(blocks.length, shapes.length);
  }
  const pairAt = (index: number): [ResidualBlock, ResidualBlock] => [
    blocks[2 * index] as ResidualBlock,
    blocks[2 * index + 1] as ResidualBlock,
  ];
  const down: DownLevel[] = [];
  for (let level = 0; level <= last; level++) {
    const options = { inChannels: dim(level), outChannels: dim(level), kernelSize: 3 };
    const downsample = level < last ? await loadResample(loader, `down_modules.${level}.2`, options) : undefined;
    down.push({ blocks: pairAt(level), downsample });
  }
  const up: UpLevel[] = [];
  for (let j = 0; j < last; j++) {
    const width = dim(last - j - 1);
    const options = { inChannels: width, outChannels: width, kernelSize: 4, transposed: true };
    up.push({ blocks: pairAt(last + 2 + j), upsample: await loadResample(loader, `up_modules.${j}.2`, options) });
  }
  const width = dim(0);
  return {
    shape,
    down,
    mid: pairAt(last + 1),
    up,
    finalConv: await loadConv1d(loader, 'final_conv.0.block.0', { inChannels: width, outChannels: width, kernelSize }),
    finalNorm: await loadFoldedNorm(loader, 'final_conv.0.block.1', 'final_conv.0.block.0', width),
    outConv: await loadConv1d(loader, 'final_conv.1', { inChannels: width, outChannels: shape.actionDim, kernelSize: 1 }),
  };
}

/**
 * Records the part of the network that depends on the observation alone: the FiLM rows of all blocks.
 * `conditioning` is one token of `conditioningDim` per sample; returns f32 [b][film.rowLength].
 */
export function recordObservationFilm(builder: PlanBuilder, unet: Unet, conditioning: Tensor): BufferHandle {
  const { rowLength } = unet.film;
  const rows = builder.buffer('FiLM rows of the observation', conditioning.batch * rowLength * 4);
  const layout = { offset: 0, batchStride: rowLength, channelStride: 1, timeStride: rowLength };
  const y: Tensor = { buffer: rows, layout, batch: conditioning.batch, channels: rowLength, length: 1 };
  recordConv1d(builder, unet.film.observation, { x: conditioning, y, inActivation: 'mish' });
  return rows;
}

/**
 * Records one evaluation: output = network(sample, timestep, conditioning), the timestep being that of `offsets`.
 * `sample` and `output` are tokens [b][horizon][actionDim]. Returns the output, or partial sums of it for its reader to add up.
 */
export function recordUnet(
  builder: PlanBuilder,
  unet: Unet,
  offsets: TimestepOffsets,
  observationFilm: BufferHandle,
  sample: Tensor,
  output: Tensor,
): Tensor | UnetSums {
  const film = ({ shape: { name } }: ResidualBlock): FilmBinding => ({
    timestepRows: builder.existing(unet.timesteps.filmRows),
    timestepRow: offsets.filmRow,
    rowBytes: unet.film.rowLength * 4,
    observationRows: observationFilm,
    rowLength: unet.film.rowLength,
    offset: unet.film.offsets.get(name) ?? 0,
    scale: unet.shape.scaleModulation,
  });
  const result = recordUnetBlocks(builder, unet, film, sample, output);
  builder.probe(
    'activation.diffusion_step_encoder',
    builder.existing(unet.timesteps.embeddings),
    Array.from({ length: sample.batch }, () => ({ offset: 0, bytes: unet.timesteps.embeddingRowBytes })),
    offsets.embeddingRow,
  );
  return result;
}

/**
 * Records output = network(sample) where FiLM finds its values as `film` says for each residual block; otherwise as `recordUnet`.
 */
export function recordUnetBlocks(
  builder: PlanBuilder,
  unet: UnetBlocks,
  film: (block: ResidualBlock) => FilmBinding,
  sample: Tensor,
  output: Tensor,
): Tensor | UnetSums {
  const { downDims } = unet.shape;
  const last = downDims.length - 1;
  const { batch } = sample;
  const dim = (level: number): number => downDims[level] as number;
  const recordBlock = (block: ResidualBlock, x: Flow, y: Tensor): Flow => recordResidualBlock(builder, block, film(block), x, y);
  const fresh = (label: string, channels: number, length: number): Tensor => channelsFirst(builder, label, batch, channels, length);

  // Levels 1 and up are concatenated with their skip on the way up: both halves are written into one buffer.
  const joined: Tensor[] = [];
  let x: Flow = { tensor: sample };
  unet.down.forEach(({ blocks, downsample }, level) => {
    const width = dim(level);
    const { length } = x.tensor;
    const name = `down_modules.${level}`;
    const inner = recordBlock(blocks[0], x, fresh(`${name}.0`, width, length));
    if (level === 0) {
      x = recordBlock(blocks[1], inner, fresh(`${name}.1`, width, length));
    } else {
      const both = fresh(`${name} with skip`, 2 * width, length);
      joined[level] = both;
      x = recordBlock(blocks[1], inner, channelRange(both, width, width));
    }
    if (downsample) {
      // On level 0 nobody else reads what it reads: there is no skip.
      x = recordResample(builder, downsample, x, fresh(`${name}.2`, width, Math.ceil(length / 2)), level > 0);
    } else if (x.unfinished) {
      // On the last level this module is the identity.
      const { storedProbes = [] } = x.unfinished;
      x = { tensor: x.tensor, unfinished: { ...x.unfinished, storedProbes: [...storedProbes, `activation.${name}.2`] } };
    } else {
      probeTensor(builder, `activation.${name}.2`, x.tensor);
    }
  });

  const below = (level: number, length: number): Tensor => {
    const both = joined[level];
    return both ? channelRange(both, 0, dim(level)) : fresh(`output of level ${level}`, dim(level), length);
  };
  const { length: narrowest } = x.tensor;
  x = recordBlock(unet.mid[0], x, fresh('mid_modules.0', dim(last), narrowest));
  x = recordBlock(unet.mid[1], x, below(last, narrowest));

  unet.up.forEach(({ blocks, upsample }, j) => {
    const level = last - j;
    const width = dim(level - 1);
    const name = `up_modules.${j}`;
    const both = joined[level] as Tensor;
    const inner = recordBlock(blocks[0], joinedFlow(x, both), fresh(`${name}.0`, width, both.length));
    x = recordBlock(blocks[1], inner, fresh(`${name}.1`, width, both.length));
    x = recordResample(builder, upsample, x, below(level - 1, 2 * both.length), false);
  });

  return recordFinal(builder, unet, x, output);
}

/** The network's output where its last convolution is split: partial sums as tokens, and the bias that is still to be added. */
export interface UnetSums {
  readonly sums: PartialSums;
  /** f32 [actionDim]. */
  readonly bias: GPUBuffer;
  /** Where the output as a whole belongs, if somebody wants it. */
  readonly whole: Tensor;
}

/** Records output = conv(mish(group_norm(conv(x)))). */
function recordFinal(builder: PlanBuilder, unet: UnetBlocks, flow: Flow, output: Tensor): Tensor | UnetSums {
  const { finalConv, finalNorm, outConv } = unet;
  const padding = unet.shape.kernelSize >> 1;
  const { batch, length } = flow.tensor;
  const channels = finalConv.outChannels;
  const { bias } = outConv;
  const splits = splitsOf(builder, finalConv, flow);
  const outSplits = splitsOf(builder, outConv, flow, { channels, groups: FINAL_GROUPS });
  if (splits !== undefined && outSplits !== undefined && bias) {
    const sums = partialSums(builder, 'final_conv.0 conv sums', { splits, batch, channels, length });
    recordConv1d(builder, finalConv, { x: keptIf(builder, flow, false), y: sums, padding });
    const shape = { splits: outSplits, batch, channels: output.channels, length, tokens: true };
    const outSums = partialSums(builder, 'model output sums', shape);
    const probes = { sumsProbe: 'activation.final_conv.0.block.0', normProbe: 'activation.final_conv.0' };
    recordConv1d(builder, outConv, { x: { sums, parameters: finalNorm, groups: FINAL_GROUPS, ...probes }, y: outSums });
    return { sums: outSums, bias, whole: output };
  }
  const x = finished(builder, flow);
  const fresh = (label: string): Tensor => channelsFirst(builder, label, x.batch, x.channels, x.length);
  const convolved = fresh('final_conv.0 conv');
  recordConv1d(builder, finalConv, { x, y: convolved, padding });
  probeTensor(builder, 'activation.final_conv.0.block.0', convolved);
  const normalized = fresh('final_conv.0');
  recordGroupNorm(builder, finalNorm, { x: convolved, y: normalized, groups: FINAL_GROUPS, probeName: 'activation.final_conv.0' });
  recordConv1d(builder, outConv, { x: normalized, y: output });
  return output;
}
