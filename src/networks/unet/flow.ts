import { chunkGroup, leastCommonMultiple } from '../../../kernels/lib/weight-storage.wgsl.js';
import type { Conv1dWeights } from '../../ops/conv1d.js';
import { recordFinish, sumGroups, type Unfinished } from '../../ops/unfinished.js';
import { chooseSplits, tileStep } from '../../ops/variants.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';

/** A value on its way through the network: where it is, or where it will be once its reader has finished it. */
export interface Flow {
  readonly tensor: Tensor;
  readonly unfinished?: Unfinished;
}

/** The value itself, finished by a dispatch of its own if need be. */
export function finished(builder: PlanBuilder, { tensor, unfinished }: Flow): Tensor {
  if (unfinished) recordFinish(builder, { ...unfinished, stored: unfinished.stored ?? tensor });
  return tensor;
}

/** `x` as the beginning of a tensor whose other channels are there already. */
export function joinedFlow({ tensor, unfinished }: Flow, joined: Tensor): Flow {
  return unfinished ? { tensor: joined, unfinished: { ...unfinished, stored: tensor, joined } } : { tensor: joined };
}

/** A group norm between a convolution and its reader. */
export interface NormShape {
  readonly channels: number;
  readonly groups: number;
}

/**
 * How many workgroups share the reduction of a convolution over `x`, where its reader adds up the parts; undefined where it leaves whole
 * sums, or where it cannot finish its input. `norm`: of sums over the columns of x that it finishes, where x is not them.
 */
export function splitsOf(
  builder: PlanBuilder,
  { storage, kernelSize, inChannels, transposed }: Conv1dWeights,
  { tensor, unfinished }: Flow,
  norm: NormShape | undefined = unfinished?.groups === undefined
    ? undefined
    : { channels: unfinished.sums.channels, groups: unfinished.groups },
  resampled: { readonly outLength: number; readonly stride: number } = { outLength: tensor.length, stride: 1 },
): number | undefined {
  const turn = chunkGroup(storage, kernelSize).channels;
  const unit = norm ? leastCommonMultiple(norm.channels / norm.groups, turn) : turn;
  const staged = norm !== undefined || unfinished !== undefined;
  const shape = { inChannels, inLength: tensor.length, unit, staged, tileStep: tileStep({ ...resampled, transposed }) };
  return chooseSplits(shape, builder.deviceClass);
}

/** Whether sums of this shape can be left to their reader, whoever that is: it finishes them on the way in, or a dispatch of their own does. */
export function canBeLeft({ channels, length }: Tensor): boolean {
  return length % 4 === 0 && sumGroups(channels, length) !== undefined;
}
