import { loadConv1d, recordConv1d, type Conv1dWeights } from '../ops/conv1d.js';
import { loadNorm, recordGroupNorm, type FilmBinding, type NormWeights } from '../ops/norm.js';
import type { WeightLoader } from '../ops/weight-source.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { channelsFirst, tapTensor, type Tensor } from '../runtime/tensor.js';

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
  readonly norm1: NormWeights;
  readonly conv2: Conv1dWeights;
  readonly norm2: NormWeights;
  /** 1×1 convolution on the residual path, where the channel counts differ. */
  readonly residualConv: Conv1dWeights | undefined;
}

export async function loadResidualBlock(loader: WeightLoader, shape: ResidualBlockShape): Promise<ResidualBlock> {
  const { name, inChannels, outChannels, kernelSize } = shape;
  return {
    shape,
    conv1: await loadConv1d(loader, `${name}.conv1.block.0`, { inChannels, outChannels, kernelSize }),
    norm1: await loadNorm(loader, `${name}.conv1.block.1`, outChannels),
    conv2: await loadConv1d(loader, `${name}.conv2.block.0`, { inChannels: outChannels, outChannels, kernelSize }),
    norm2: await loadNorm(loader, `${name}.conv2.block.1`, outChannels),
    residualConv:
      inChannels === outChannels
        ? undefined
        : await loadConv1d(loader, `${name}.residual_conv`, { inChannels, outChannels, kernelSize: 1 }),
  };
}

/**
 * Records
 *
 *     h = film(mish(group_norm(conv1(x))))
 *     y = mish(group_norm(conv2(h))) + residual(x)
 *
 * (LeRobot DiffusionConditionalResidualBlock1d.) Tap names: `activation.<name>` and
 * `activation.<name>.{conv1,conv2,conv1.block.0,conv2.block.0,residual_conv}`, as PyTorch's hooks would see them.
 */
export function recordResidualBlock(builder: PlanBuilder, block: ResidualBlock, film: FilmBinding, x: Tensor, y: Tensor): void {
  const { name, outChannels, kernelSize, groups } = block.shape;
  const { batch, length } = x;
  const padding = kernelSize >> 1;
  const scratch = (label: string): Tensor => channelsFirst(builder, `${name} ${label}`, batch, outChannels, length);

  const convolved1 = scratch('conv1');
  recordConv1d(builder, block.conv1, { x, y: convolved1, padding });
  tapTensor(builder, `activation.${name}.conv1.block.0`, convolved1);
  const modulated = scratch('film');
  recordGroupNorm(builder, block.norm1, { x: convolved1, y: modulated, groups, film, tapName: `activation.${name}.conv1` });

  const convolved2 = scratch('conv2');
  recordConv1d(builder, block.conv2, { x: modulated, y: convolved2, padding });
  tapTensor(builder, `activation.${name}.conv2.block.0`, convolved2);
  let residual = x;
  if (block.residualConv) {
    residual = scratch('residual_conv');
    recordConv1d(builder, block.residualConv, { x, y: residual });
    tapTensor(builder, `activation.${name}.residual_conv`, residual);
  }
  recordGroupNorm(builder, block.norm2, { x: convolved2, y, groups, residual, tapName: `activation.${name}.conv2` });
  tapTensor(builder, `activation.${name}`, y);
}
