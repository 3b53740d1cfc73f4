import { shapeWords } from '../lib/kernel.js';
import type { MapPlace } from '../lib/map-place.wgsl.js';
import { BLOCK_LANES, blockChunks, type HalfLoads, type WeightPlace, type WeightStorage } from '../lib/weight-storage.wgsl.js';

/**
 * Order of the units of a reduction: through the planes of a tap first, or through the taps of a plane first. Weights are read in the order
 * that they lie in.
 */
export type UnitOrder = 'tap by tap' | 'plane by plane';

/**
 * A 2-D convolution as a matrix product: rows of the matrix are (tap, input channel), four channels of a tap are a unit, and
 * its columns are output channels. Units run through the planes of a tap first, taps along a row of the window next, unless another
 * order is said.
 */
export interface Conv2dParameters {
  readonly storage: WeightStorage;
  /** Default `packed`. */
  readonly halfLoads?: HalfLoads | undefined;
  /** Default `buffer`. */
  readonly place?: WeightPlace | undefined;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
  /** Where maps lie; default buffers. The tiles of GPUs know buffers alone. */
  readonly maps?: { readonly x?: MapPlace | undefined; readonly residual?: MapPlace | undefined; readonly y?: MapPlace | undefined };
}

/** Sizes of a 2-D convolution with square windows. */
export interface Conv2dLayer {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
}

export interface Conv2dSizes extends Conv2dLayer {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Samples that follow one another and share an encoder, that is, a set of weights. */
  readonly frames: number;
  readonly encoders: number;
  /** Workgroups that share a reduction. */
  readonly splits: number;
  /** Units that a workgroup takes at once. */
  readonly unitsAtOnce: number;
}

export const CONV2D_SIZES = [
  'in_planes',
  'in_height',
  'in_width',
  'out_planes',
  'out_height',
  'out_width',
  'kernel_size',
  'stride',
  'padding',
  'frames',
  'units',
  'block_chunks',
  'encoder_blocks',
  'split_units',
  'split_stride',
] as const;

/** The kernel's `shape`. */
export function conv2dShape(storage: WeightStorage, sizes: Conv2dSizes): number[] {
  const { inChannels, outChannels, outHeight, outWidth, kernelSize, frames, encoders, splits, unitsAtOnce } = sizes;
  const planes = Math.ceil(inChannels / 4);
  const outPlanes = Math.ceil(outChannels / 4);
  const units = kernelSize * kernelSize * planes;
  return shapeWords([
    planes,
    sizes.inHeight,
    sizes.inWidth,
    outPlanes,
    outHeight,
    outWidth,
    kernelSize,
    sizes.stride,
    sizes.padding,
    frames,
    units,
    blockChunks(storage, 1, units * 4),
    encoderBlocks(outChannels),
    splitUnits(units, splits, unitsAtOnce),
    encoders * frames * outPlanes * outHeight * outWidth,
  ]);
}

/** Units of a workgroup's share, a multiple of what it takes at once. */
export function splitUnits(units: number, splits: number, unitsAtOnce: number): number {
  return Math.ceil(units / splits / unitsAtOnce) * unitsAtOnce;
}

/** Blocks of weights of one encoder. */
export function encoderBlocks(outChannels: number): number {
  return Math.ceil(outChannels / (4 * BLOCK_LANES));
}
