import { chunkGroup, leastCommonMultiple } from '../../../kernels/lib/weight-storage.wgsl.js';
import { type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import { type FilmBinding, type FoldedNorm, loadFoldedNorm, recordGroupNorm } from '../../ops/norm.js';
import { type PartialSums, partialSums } from '../../ops/partial-sums.js';
import { recordFinish, type Unfinished } from '../../ops/unfinished.js';
import { chooseSplits } from '../../ops/variants.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { channelsFirst, probeTensor, type Tensor } from '../../runtime/tensor.js';

/** Name, shape and kernel of a residual block of the U-Net. */
export interface ResidualBlockShape {
  /** LeRobot's name, e.g. `down_modules.0.1`. */
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly groups: number;
}

export interface ResidualBlock {
  readonly shape: ResidualBlockShape;
  readonly conv1: Conv1dWeights;
  readonly norm1: FoldedNorm;
  readonly conv2: Conv1dWeights;
  readonly norm2: FoldedNorm;
  /** 1×1 convolution on the residual path, where the channel counts differ. */
  readonly residualConv: Conv1dWeights | undefined;
}

export async function loadResidualBlock(loader: WeightLoader, shape: ResidualBlockShape): Promise<ResidualBlock> {
  const { name, inChannels, outChannels, kernelSize } = shape;
  return {
    shape,
    conv1: await loadConv1d(loader, `${name}.conv1.block.0`, { inChannels, outChannels, kernelSize }),
    norm1: await loadFoldedNorm(loader, `${name}.conv1.block.1`, `${name}.conv1.block.0`, outChannels),
    conv2: await loadConv1d(loader, `${name}.conv2.block.0`, { inChannels: outChannels, outChannels, kernelSize }),
    norm2: await loadFoldedNorm(loader, `${name}.conv2.block.1`, `${name}.conv2.block.0`, outChannels),
    residualConv:
      inChannels === outChannels
        ? undefined
        : await loadConv1d(loader, `${name}.residual_conv`, { inChannels, outChannels, kernelSize: 1 }),
  };
}

/** A value on its way through the network: where it is, or where it will be once its reader has finished it. */
export interface Flow {
  readonly tensor: Tensor;
  readonly unfinished?: Unfinished;
}

/** The value itself, finished by a dispatch of its own if need be. */
export function finished(builder: PlanBuilder, { tensor, unfinished }: Flow): Tensor {
  if (unfinished) recordFinish(builder, { ...unfinished, stored: tensor });
  return tensor;
}

/**
 * Records
 *
 *     h = film(mish(group_norm(conv1(x))))
 *     y = mish(group_norm(conv2(h))) + residual(x)
 *
 * (LeRobot DiffusionConditionalResidualBlock1d.) Where the device's variants split reductions and shapes allow it, each
 * convolution finishes the one before it, and y is left to its reader. Probe names: `activation.<name>` and
 * `activation.<name>.{conv1,conv2,conv1.block.0,conv2.block.0,residual_conv}`, as PyTorch's hooks would see them.
 */
export function recordResidualBlock(builder: PlanBuilder, block: ResidualBlock, film: FilmBinding, x: Flow, y: Tensor): Flow {
  const { name, outChannels, kernelSize, groups } = block.shape;
  const { batch, length } = x.tensor;
  const padding = kernelSize >> 1;
  const [probe1, probe2] = ['conv1', 'conv2'].map((conv) => `activation.${name}.${conv}`) as [string, string];
  // Two readers would both finish it.
  const input: Flow = x.unfinished && block.residualConv ? { tensor: finished(builder, x) } : x;
  const splits = fusedSplits(builder, block, input);
  if (!splits) {
    const tensor = finished(builder, input);
    const [convolved1, modulated, convolved2] = ['conv1', 'film', 'conv2'].map((label) =>
      channelsFirst(builder, `${name} ${label}`, batch, outChannels, length),
    ) as [Tensor, Tensor, Tensor];
    recordConv1d(builder, block.conv1, { x: tensor, y: convolved1, padding });
    probeTensor(builder, `${probe1}.block.0`, convolved1);
    recordGroupNorm(builder, block.norm1, { x: convolved1, y: modulated, groups, film, probeName: probe1 });
    recordConv1d(builder, block.conv2, { x: modulated, y: convolved2, padding });
    probeTensor(builder, `${probe2}.block.0`, convolved2);
    const residual = recordResidual(builder, block, tensor);
    recordGroupNorm(builder, block.norm2, { x: convolved2, y, groups, residual, probeName: probe2 });
    probeTensor(builder, `activation.${name}`, y);
    return { tensor: y };
  }
  const sums = (label: string, count: number): PartialSums =>
    partialSums(builder, `${name} ${label} sums`, { splits: count, batch, channels: outChannels, length });
  const sums1 = sums('conv1', splits[0]);
  const source = input.unfinished ? { ...input.unfinished, stored: input.tensor } : input.tensor;
  recordConv1d(builder, block.conv1, { x: source, y: sums1, padding });
  // Beside conv1, not after it: it waits for nothing that conv1 writes.
  const residual = recordResidual(builder, block, input.tensor);
  const sums2 = sums('conv2', splits[1]);
  const modulated: Unfinished = { sums: sums1, norm: block.norm1, groups, film, sumsProbe: `${probe1}.block.0`, normProbe: probe1 };
  recordConv1d(builder, block.conv2, { x: modulated, y: sums2, padding });
  return {
    tensor: y,
    unfinished: {
      sums: sums2,
      norm: block.norm2,
      groups,
      residual,
      sumsProbe: `${probe2}.block.0`,
      normProbe: probe2,
      storedProbes: [`activation.${name}`],
    },
  };
}

/** x, or its 1×1 convolution. */
function recordResidual(builder: PlanBuilder, block: ResidualBlock, x: Tensor): Tensor {
  if (!block.residualConv) return x;
  const { name, outChannels } = block.shape;
  const residual = channelsFirst(builder, `${name} residual_conv`, x.batch, outChannels, x.length);
  recordConv1d(builder, block.residualConv, { x, y: residual });
  probeTensor(builder, `activation.${name}.residual_conv`, residual);
  return residual;
}

/** Splits of both convolutions, where the block can be fused. */
function fusedSplits(builder: PlanBuilder, block: ResidualBlock, { tensor, unfinished }: Flow): [number, number] | undefined {
  const { outChannels, groups } = block.shape;
  const split = (weights: Conv1dWeights, normChannels: number | undefined): number | undefined => {
    const turn = chunkGroup(weights.storage, weights.kernelSize).channels;
    const unit = normChannels === undefined ? turn : leastCommonMultiple(normChannels, turn);
    const shape = { inChannels: weights.inChannels, inLength: tensor.length, unit, staged: normChannels !== undefined };
    return chooseSplits(shape, builder.deviceClass);
  };
  const first = split(block.conv1, unfinished && unfinished.sums.channels / unfinished.groups);
  const second = split(block.conv2, outChannels / groups);
  return first === undefined || second === undefined ? undefined : [first, second];
}
