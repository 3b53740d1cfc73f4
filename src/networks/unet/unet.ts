import { type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import { loadNorm, type NormWeights, recordGroupNorm } from '../../ops/norm.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { channelRange, channelsFirst, probeTensor, type Tensor } from '../../runtime/tensor.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';
import { type FilmWeights, loadFilm } from './film.js';
import {
  type Flow,
  finished,
  loadResidualBlock,
  type ResidualBlock,
  type ResidualBlockShape,
  recordResidualBlock,
} from './residual-block.js';
import { buildTimestepTable, type TimestepOffsets, type TimestepTable } from './timestep-table.js';

interface DownLevel {
  readonly blocks: readonly [ResidualBlock, ResidualBlock];
  readonly downsample: Conv1dWeights | undefined;
}

interface UpLevel {
  readonly blocks: readonly [ResidualBlock, ResidualBlock];
  readonly upsample: Conv1dWeights;
}

/** The denoising network on the device. */
export interface Unet {
  readonly shape: UnetShape;
  readonly film: FilmWeights;
  readonly timesteps: TimestepTable;
  readonly down: readonly DownLevel[];
  readonly mid: readonly [ResidualBlock, ResidualBlock];
  readonly up: readonly UpLevel[];
  readonly finalConv: Conv1dWeights;
  readonly finalNorm: NormWeights;
  readonly outConv: Conv1dWeights;
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

/**
 * Brings the network to the device.
 * `trainTimesteps`: timesteps 0 … trainTimesteps − 1 get a row of the FiLM table.
 */
export async function loadUnet(
  loader: WeightLoader,
  shape: UnetShape,
  trainTimesteps: number,
  onBlock: (done: number, total: number) => void = () => {},
): Promise<Unet> {
  const { downDims, kernelSize } = shape;
  const last = downDims.length - 1;
  const dim = (level: number): number => downDims[level] as number;
  const shapes = residualBlockShapes(shape);
  const filmBlocks = shapes.map(({ name, outChannels }) => ({ name, rows: outChannels * (shape.scaleModulation ? 2 : 1) }));
  const film = await loadFilm(loader, filmBlocks, shape.stepEmbedDim, shape.conditioningDim);
  const timesteps = await buildTimestepTable(loader, film, shape.stepEmbedDim, trainTimesteps);

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
    const downsample = level < last ? await loadConv1d(loader, `down_modules.${level}.2`, options) : undefined;
    down.push({ blocks: pairAt(level), downsample });
  }
  const up: UpLevel[] = [];
  for (let j = 0; j < last; j++) {
    const width = dim(last - j - 1);
    const options = { inChannels: width, outChannels: width, kernelSize: 4, transposed: true };
    up.push({ blocks: pairAt(last + 2 + j), upsample: await loadConv1d(loader, `up_modules.${j}.2`, options) });
  }
  const width = dim(0);
  return {
    shape,
    film,
    timesteps,
    down,
    mid: pairAt(last + 1),
    up,
    finalConv: await loadConv1d(loader, 'final_conv.0.block.0', { inChannels: width, outChannels: width, kernelSize }),
    finalNorm: await loadNorm(loader, 'final_conv.0.block.1', width),
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
 * `sample` and `output` are tokens [b][horizon][actionDim].
 */
export function recordUnet(
  builder: PlanBuilder,
  unet: Unet,
  offsets: TimestepOffsets,
  observationFilm: BufferHandle,
  sample: Tensor,
  output: Tensor,
): void {
  const { downDims } = unet.shape;
  const last = downDims.length - 1;
  const { batch } = sample;
  const dim = (level: number): number => downDims[level] as number;
  const recordBlock = (block: ResidualBlock, x: Flow, y: Tensor): Flow =>
    recordResidualBlock(
      builder,
      block,
      {
        timestepRows: builder.existing(unet.timesteps.filmRows),
        timestepRow: offsets.filmRow,
        rowBytes: unet.film.rowLength * 4,
        observationRows: observationFilm,
        rowLength: unet.film.rowLength,
        offset: unet.film.offsets.get(block.shape.name) ?? 0,
        scale: unet.shape.scaleModulation,
      },
      x,
      y,
    );
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
      const y = fresh(`${name}.2`, width, Math.ceil(length / 2));
      recordConv1d(builder, downsample, { x: finished(builder, x), y, stride: 2, padding: 1 });
      x = { tensor: y };
      probeTensor(builder, `activation.${name}.2`, y);
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
    finished(builder, x);
    const both = joined[level] as Tensor;
    const inner = recordBlock(blocks[0], { tensor: both }, fresh(`${name}.0`, width, both.length));
    x = recordBlock(blocks[1], inner, fresh(`${name}.1`, width, both.length));
    const y = below(level - 1, 2 * both.length);
    recordConv1d(builder, upsample, { x: finished(builder, x), y, stride: 2, padding: 1 });
    probeTensor(builder, `activation.${name}.2`, y);
    x = { tensor: y };
  });

  recordFinal(builder, unet, finished(builder, x), output);
  builder.probe(
    'activation.diffusion_step_encoder',
    builder.existing(unet.timesteps.embeddings),
    Array.from({ length: batch }, () => ({ offset: 0, bytes: unet.shape.stepEmbedDim * 4 })),
    offsets.embeddingRow,
  );
}

/** Records output = conv(mish(group_norm(conv(x)))). */
function recordFinal(builder: PlanBuilder, unet: Unet, x: Tensor, output: Tensor): void {
  const fresh = (label: string): Tensor => channelsFirst(builder, label, x.batch, x.channels, x.length);
  const convolved = fresh('final_conv.0 conv');
  recordConv1d(builder, unet.finalConv, { x, y: convolved, padding: unet.shape.kernelSize >> 1 });
  probeTensor(builder, 'activation.final_conv.0.block.0', convolved);
  const normalized = fresh('final_conv.0');
  recordGroupNorm(builder, unet.finalNorm, { x: convolved, y: normalized, groups: FINAL_GROUPS, probeName: 'activation.final_conv.0' });
  recordConv1d(builder, unet.outConv, { x: normalized, y: output });
  probeTensor(builder, 'model_output', output);
}
