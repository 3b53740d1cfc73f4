import { type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import { type FilmBinding, type FoldedNorm, loadFoldedNorm, recordGroupNorm } from '../../ops/norm.js';
import { type PartialSums, partialSums } from '../../ops/partial-sums.js';
import type { Unfinished } from '../../ops/unfinished.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { channelsFirst, probeTensor, type Tensor } from '../../runtime/tensor.js';
import { type Flow, finished, splitsOf } from './flow.js';

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
  const residual = inChannels === outChannels ? undefined : `${name}.residual_conv`;
  return {
    shape,
    conv1: await loadConv1d(loader, `${name}.conv1.block.0`, { inChannels, outChannels, kernelSize }),
    norm1: await loadFoldedNorm(loader, `${name}.conv1.block.1`, `${name}.conv1.block.0`, outChannels),
    conv2: await loadConv1d(loader, `${name}.conv2.block.0`, { inChannels: outChannels, outChannels, kernelSize }),
    norm2: await loadFoldedNorm(loader, `${name}.conv2.block.1`, `${name}.conv2.block.0`, outChannels, residual),
    residualConv: residual === undefined ? undefined : await loadConv1d(loader, residual, { inChannels, outChannels, kernelSize: 1 }),
  };
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
  const splits = fusedSplits(builder, block, x);
  if (!splits) {
    const tensor = finished(builder, x);
    const [convolved1, modulated, convolved2] = ['conv1', 'film', 'conv2'].map((label) =>
      channelsFirst(builder, `${name} ${label}`, batch, outChannels, length),
    ) as [Tensor, Tensor, Tensor];
    recordConv1d(builder, block.conv1, { x: tensor, y: convolved1, padding });
    probeTensor(builder, `${probe1}.block.0`, convolved1);
    recordGroupNorm(builder, block.norm1, { x: convolved1, y: modulated, groups, film, probeName: probe1 });
    recordConv1d(builder, block.conv2, { x: modulated, y: convolved2, padding });
    probeTensor(builder, `${probe2}.block.0`, convolved2);
    const residual = recordResidualConv(builder, block, tensor);
    recordGroupNorm(builder, block.norm2, { x: convolved2, y, groups, residual, probeName: probe2 });
    probeTensor(builder, `activation.${name}`, y);
    return { tensor: y };
  }
  const sums = (label: string, count: number): PartialSums =>
    partialSums(builder, `${name} ${label} sums`, { splits: count, batch, channels: outChannels, length });
  const sums1 = sums('conv1', splits[0]);
  const source = x.unfinished ? { ...x.unfinished, stored: x.unfinished.stored ?? x.tensor } : x.tensor;
  recordConv1d(builder, block.conv1, { x: source, y: sums1, padding });
  // Beside conv2, not after it: what conv1 finished is all that it waits for, and nobody reads it before the sums of conv2.
  const residual = recordResidualSums(builder, block, x.tensor);
  const sums2 = sums('conv2', splits[1]);
  const modulated: Unfinished = { sums: sums1, parameters: block.norm1, groups, film, sumsProbe: `${probe1}.block.0`, normProbe: probe1 };
  recordConv1d(builder, block.conv2, { x: modulated, y: sums2, padding });
  return {
    tensor: y,
    unfinished: {
      sums: sums2,
      parameters: block.norm2,
      groups,
      residual,
      residualProbe: `activation.${name}.residual_conv`,
      sumsProbe: `${probe2}.block.0`,
      normProbe: probe2,
      storedProbes: [`activation.${name}`],
    },
  };
}

/** x, or partial sums of its 1×1 convolution. */
function recordResidualSums(builder: PlanBuilder, { residualConv, shape }: ResidualBlock, x: Tensor): Tensor | PartialSums {
  if (!residualConv) return x;
  const splits = splitsOf(builder, residualConv, { tensor: x }) ?? 1;
  const { batch, length } = x;
  const sums = partialSums(builder, `${shape.name} residual_conv sums`, { splits, batch, channels: shape.outChannels, length });
  recordConv1d(builder, residualConv, { x, y: sums });
  return sums;
}

/** x, or its 1×1 convolution. */
function recordResidualConv(builder: PlanBuilder, block: ResidualBlock, x: Tensor): Tensor {
  if (!block.residualConv) return x;
  const { name, outChannels } = block.shape;
  const residual = channelsFirst(builder, `${name} residual_conv`, x.batch, outChannels, x.length);
  recordConv1d(builder, block.residualConv, { x, y: residual });
  probeTensor(builder, `activation.${name}.residual_conv`, residual);
  return residual;
}

/** Splits of both convolutions, where the block can be fused. */
function fusedSplits(builder: PlanBuilder, { conv1, conv2, shape }: ResidualBlock, x: Flow): [number, number] | undefined {
  const first = splitsOf(builder, conv1, x);
  const second = splitsOf(builder, conv2, x, { channels: shape.outChannels, groups: shape.groups });
  return first === undefined || second === undefined ? undefined : [first, second];
}
