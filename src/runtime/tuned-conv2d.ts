import type { WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';

/** How a GPU's workgroup cuts a 2-D convolution: kernels/conv/conv2d-tiled.wgsl.ts. */
export interface TunedTile {
  /** Pixels of a workgroup, and of an invocation. */
  readonly pixels: number;
  readonly pixelsEach: number;
  /** Groups of four output channels of a workgroup, and of an invocation. */
  readonly lanes: number;
  readonly lanesEach: number;
}

/** On a software driver an invocation has all pixels of its workgroup, these at most: kernels/conv/conv2d-lanes.wgsl.ts. */
export interface TunedPixels {
  readonly pixels: number;
}

/** A part of a table of variants. No cut changes the order of a sum: results keep their bits. */
export type TunedConv2d = TunedTile | TunedPixels;

/** What an entry of the table is for. The number of frames is no part of it. */
export interface Conv2dKeyShape {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly storage: WeightStorage;
  /** Sets of weights side by side, and how many workgroups share a reduction. */
  readonly encoders: number;
  readonly splits: number;
}

/** E.g. "conv2d 64x128 k3 s2 p1 21x21->11x11 f16", with " of 2" for two encoders and " split 4" where the reduction is shared. */
export function conv2dKey(shape: Conv2dKeyShape): string {
  const { inChannels, outChannels, kernelSize, stride, padding, storage, encoders, splits } = shape;
  return (
    `conv2d ${inChannels}x${outChannels} k${kernelSize} s${stride} p${padding} ${shape.inHeight}x${shape.inWidth}->` +
    `${shape.outHeight}x${shape.outWidth} ${storage}${encoders > 1 ? ` of ${encoders}` : ''}${splits > 1 ? ` split ${splits}` : ''}`
  );
}

const KEY = /^conv2d \d+x(\d+) k\d+ s\d+ p\d+ \d+x\d+->\d+x\d+ (?:f32|f16|int8)(?: of \d+)?(?: split \d+)?$/;

/** Output channels of the convolution that a key is of; undefined where it is no key of a 2-D convolution. */
export function conv2dKeyChannels(key: string): number | undefined {
  const found = KEY.exec(key)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Of the kernels: lanes of a block of weights, units in workgroup memory at a time. */
const BLOCK_LANES = 8;
const TILE_UNITS = 4;
/** What every device grants a workgroup. */
const MOST_INVOCATIONS = 256;
const MOST_BYTES = 16_384;
/** Sums of an invocation, four channels each: more than registers hold take long to compile. */
const MOST_SUMS = 32;
const MOST_PIXELS = 64;

export function isTile(cut: TunedConv2d): cut is TunedTile {
  return 'lanes' in cut;
}

/** Invocations of a tile's workgroup. */
export function tunedInvocations({ pixels, pixelsEach, lanes, lanesEach }: TunedTile): number {
  return (pixels / pixelsEach) * (lanes / lanesEach);
}

/** Whether a kernel can be cut like this for so many output channels; `cut` may be anything. */
export function isTunedConv2d(cut: unknown, outChannels: number): cut is TunedConv2d {
  if (typeof cut !== 'object' || cut === null) return false;
  const { pixels, pixelsEach, lanes, lanesEach } = cut as Partial<TunedTile>;
  const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;
  if (!isCount(pixels) || pixels % BLOCK_LANES !== 0 || pixels > MOST_PIXELS) return false;
  if (pixelsEach === undefined && lanes === undefined && lanesEach === undefined) return true;
  if (!isCount(pixelsEach) || !isCount(lanes) || !isCount(lanesEach)) return false;
  const invocations = tunedInvocations({ pixels, pixelsEach, lanes, lanesEach });
  const padded = Math.ceil(outChannels / 4 / BLOCK_LANES) * BLOCK_LANES;
  return (
    lanes % BLOCK_LANES === 0 &&
    padded % lanes === 0 &&
    pixels % pixelsEach === 0 &&
    lanes % lanesEach === 0 &&
    pixelsEach * lanesEach <= MOST_SUMS &&
    // Inputs are loaded by all invocations alike, each with a pixel of its own.
    invocations % pixels === 0 &&
    (TILE_UNITS * pixels) % invocations === 0 &&
    invocations <= MOST_INVOCATIONS &&
    2 * TILE_UNITS * (pixels + 4 * lanes) * 16 <= MOST_BYTES
  );
}

/** "64×16 of 4×2" or "32 pixels", for tables. */
export function shownConv2d(cut: TunedConv2d): string {
  return isTile(cut) ? `${cut.pixels}×${cut.lanes} of ${cut.pixelsEach}×${cut.lanesEach}` : `${cut.pixels} pixels`;
}
