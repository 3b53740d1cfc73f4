import type { Conv2dLayer } from '../../kernels/conv/conv2d-shape.js';
import { splitUnits } from '../../kernels/conv/conv2d-shape.js';
import { type Conv2dTile, TILE_UNITS } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import type { BuildTarget } from '../runtime/plan-builder.js';
import { VARIANTS } from './variants.js';

/** Tiles of workgroup memory, or all of a tile in the registers of one invocation. */
export type Conv2dCut =
  | { readonly kind: 'tiled'; readonly tile: Conv2dTile }
  | { readonly kind: 'lanes'; readonly pixels: number; readonly subgroup: number };

export interface Conv2dProblem {
  readonly layer: Conv2dLayer;
  /** Of one frame. */
  readonly outPixels: number;
  readonly frames: number;
}

/** 64 invocations with 4 × 1 sums each: many workgroups for small maps. */
export const SMALL_TILE: Conv2dTile = { pixels: 32, pixelsEach: 4, lanes: 8, lanesEach: 1 };
/** 128 invocations with 4 × 2 sums each: twice the products for every load. */
export const LARGE_TILE: Conv2dTile = { pixels: 64, pixelsEach: 4, lanes: 16, lanesEach: 2 };
/** Pixels of a frame from which on the large tile fills a GPU. */
const LARGE_PIXELS = 4096;
/** Workgroups that keep a GPU busy, and the most that share a reduction. */
const ENOUGH_WORKGROUPS = 192;
const MOST_SPLITS = 16;
/** Sums that stay in registers, or near them, on a software driver. */
const MOST_PIXELS = 32;
const PIXELS_WITHOUT_SUBGROUPS = 8;

/** How a convolution is cut, as a function of its shape and the device. The number of frames changes no sum. */
export function chooseConv2dCut(
  { layer, outPixels, frames }: Conv2dProblem,
  { deviceClass, subgroupSize = 1 }: Pick<BuildTarget, 'deviceClass' | 'subgroupSize'>,
): Conv2dCut {
  if (VARIANTS[deviceClass].sliced) return { kind: 'tiled', tile: chooseTile(layer, outPixels) };
  // The fewest tiles, and then the smallest that do.
  const all = frames * outPixels;
  const most = subgroupSize > 1 ? MOST_PIXELS : PIXELS_WITHOUT_SUBGROUPS;
  const tiles = Math.ceil(all / most);
  const unit = Math.max(subgroupSize, PIXELS_WITHOUT_SUBGROUPS);
  return { kind: 'lanes', pixels: Math.ceil(all / tiles / unit) * unit, subgroup: subgroupSize };
}

/** How many workgroups share the reduction of a convolution: by one frame, so that sums are the same for any number of them. */
export function chooseConv2dSplits({ layer, outPixels }: Conv2dProblem, { deviceClass }: Pick<BuildTarget, 'deviceClass'>): number {
  if (!VARIANTS[deviceClass].sliced) return 1;
  const { pixels, lanes } = chooseTile(layer, outPixels);
  const tiles = Math.ceil(outPixels / pixels) * Math.ceil(layer.outChannels / 4 / lanes);
  const units = layer.kernelSize ** 2 * Math.ceil(layer.inChannels / 4);
  const wanted = Math.max(1, Math.min(MOST_SPLITS, Math.floor(ENOUGH_WORKGROUPS / tiles), Math.floor(units / TILE_UNITS)));
  // Shares are whole tiles of units: fewer workgroups may do the same.
  return Math.ceil(units / splitUnits(units, wanted, TILE_UNITS));
}

function chooseTile({ outChannels }: Conv2dLayer, outPixels: number): Conv2dTile {
  const lanes = Math.ceil(outChannels / 4 / SMALL_TILE.lanes) * SMALL_TILE.lanes;
  return outPixels >= LARGE_PIXELS && lanes % LARGE_TILE.lanes === 0 ? LARGE_TILE : SMALL_TILE;
}
