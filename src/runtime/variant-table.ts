import type { HalfLoads, WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import type { TunedConv2d } from './tuned-conv2d.js';

/** How a convolution is cut: the part of its tiling that may differ between devices. See kernels/conv1d.wgsl.ts. */
export interface TunedTiling {
  readonly lanes: number;
  readonly slices: number;
}

/**
 * What was measured to be faster on one adapter than the shipped variants; plain JSON. Slices change the order in which
 * sums are added up: with another table results may differ in their last bits, with the same table they never do.
 * Columns are not in it: with them, sums would depend on where a column lies.
 */
export interface VariantTable {
  readonly version: typeof VARIANT_TABLE_VERSION;
  /** Name of the adapter that it was measured on: `adapterIdentity`. */
  readonly adapter: string;
  /** By `convolutionKey`. What is not in it is cut by the shipped rule. */
  readonly convolutions: Readonly<Record<string, TunedTiling>>;
  /** The same of image encoders, by `conv2dKey`. Default none. */
  readonly convolutions2d?: Readonly<Record<string, TunedConv2d>>;
  /** How f16 weights are loaded. `native` is taken only after the device proved that it is exact. Default `packed`. */
  readonly halfLoads?: HalfLoads;
  /** The file that it was read from, for records. */
  readonly file?: string;
}

export const VARIANT_TABLE_VERSION = 1;

/** Invocations of a workgroup that every device grants, and the lanes of a block of weights (weight-storage.wgsl.ts). */
export const MOST_INVOCATIONS = 256;
export const BLOCK_LANES = 8;

/** What an entry of the table is for. The batch is no part of it: sums must not depend on it. */
export interface ConvolutionShape {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly transposed: boolean;
  readonly inLength: number;
  readonly outLength: number;
  readonly storage: WeightStorage;
  /** Whether the input is finished in workgroup memory first, and how many workgroups share the reduction. */
  readonly staged: boolean;
  readonly splits: number;
}

/** E.g. "conv1d 512x1024 k5 s1 16->16 f16", with " staged" and " split 8" where the reduction is cut so. */
export function convolutionKey(shape: ConvolutionShape): string {
  const { inChannels, outChannels, kernelSize, stride, transposed, inLength, outLength, storage, staged, splits } = shape;
  return (
    `${transposed ? 'conv_transpose1d' : 'conv1d'} ${inChannels}x${outChannels} k${kernelSize} s${stride} ${inLength}->${outLength} ` +
    `${storage}${staged ? ' staged' : ''}${splits > 1 ? ` split ${splits}` : ''}`
  );
}

/** Keys of `convolutionKey`, and the channels in them. */
export const CONVOLUTION_KEY = /^conv(?:_transpose)?1d (\d+)x(\d+) k\d+ s\d+ \d+->\d+ (?:f32|f16|int8)(?: staged)?(?: split \d+)?$/;

/** Channels of the convolution that a key is of; 0 where it is no key. */
export function convolutionKeyChannels(key: string): { readonly inChannels: number; readonly outChannels: number } {
  const [, inChannels = 0, outChannels = 0] = CONVOLUTION_KEY.exec(key) ?? [];
  return { inChannels: Number(inChannels), outChannels: Number(outChannels) };
}

/** Groups of four output channels with the padding of the last block: lanes past these would read past the weights. */
export function paddedLanes(outChannels: number): number {
  return Math.ceil(outChannels / 4 / BLOCK_LANES) * BLOCK_LANES;
}

/** Whether the kernel can be cut like this for so many output channels. */
export function isTiling({ lanes, slices }: TunedTiling, outChannels: number): boolean {
  return (
    Number.isInteger(lanes) &&
    Number.isInteger(slices) &&
    lanes > 0 &&
    slices > 0 &&
    lanes % BLOCK_LANES === 0 &&
    lanes * slices <= MOST_INVOCATIONS &&
    paddedLanes(outChannels) % lanes === 0
  );
}

/** What a table calls an adapter: its description, and where it has none, as in browsers, all else that it says. */
export function adapterIdentity(adapter: {
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
}): string {
  const { description, vendor, architecture, device } = adapter;
  return description || [vendor, architecture, device].filter((part) => part !== '').join(' ') || 'unnamed';
}
