import { PICTURE_CHANNELS } from '../../kernels/conv/conv2d-picture.wgsl.js';
import type { Conv2dLayer, UnitOrder } from '../../kernels/conv/conv2d-shape.js';
import { splitUnits } from '../../kernels/conv/conv2d-shape.js';
import { type Conv2dTile, TILE_UNITS } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import type { WinogradTile } from '../../kernels/conv/winograd-transforms.js';
import { BLOCK_LANES, type WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import type { DeviceClass } from '../runtime/device-class.js';
import type { BuildTarget } from '../runtime/plan-builder.js';
import { isTile, type TunedConv2d } from '../runtime/tuned-conv2d.js';
import { VARIANTS } from './variants.js';

/** Tiles of workgroup memory, or all of a tile in the registers of one invocation: any pixels, those of a row of a picture, or all of a map. */
export type Conv2dCut =
  | { readonly kind: 'tiled'; readonly tile: Conv2dTile }
  | { readonly kind: 'lanes'; readonly pixels: number; readonly subgroup: number }
  | { readonly kind: 'picture'; readonly pixels: number; readonly subgroup: number }
  | { readonly kind: 'map'; readonly subgroup: number };

export interface Conv2dProblem {
  readonly layer: Conv2dLayer;
  /** Of one frame. */
  readonly outPixels: number;
  /** Of its rows. */
  readonly outWidth: number;
  /** Of the weights. */
  readonly order?: UnitOrder;
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
/**
 * Pixels of an invocation on a software driver: more of them make more of a weight, and the text longer. With more than 24 the text of
 * lavapipe outgrows what a processor keeps decoded. SwiftShader, whose subgroups are of 4, gains nothing from more than 16 and takes three
 * times as long to compile them.
 */
const PIXELS_OF_A_MEMBER: Readonly<Record<DeviceClass, number>> = { gpu: 4, lavapipe: 3, software: 4 };
const LEAST_PIXELS = 8;
/** The same of pictures, where a pixel is seven taps of text. */
const PICTURE_PIXELS = 20;
/** Pixels that fill no whole subgroups save products, and are a text of their own to compile: from this ratio on they are taken. */
const WORTH = 1.1;

/**
 * How a convolution is cut, as a function of its shape and the device, and of what was tuned there; an entry for another kind of
 * device is left out. The number of frames changes no sum, and neither does the cut.
 */
export function chooseConv2dCut(
  { layer, order, outPixels, outWidth, frames }: Conv2dProblem,
  { deviceClass, subgroupSize = 1 }: Pick<BuildTarget, 'deviceClass' | 'subgroupSize'>,
  tuned?: TunedConv2d,
): Conv2dCut {
  const subgroup = sharing(subgroupSize);
  if (order === 'plane by plane') {
    if (subgroup === 1 || VARIANTS[deviceClass].sliced) {
      throw new TypeError(`conv2d: weights plane by plane are for software drivers with subgroups, this one is of class ${deviceClass}`);
    }
    return { kind: 'map', subgroup };
  }
  if (VARIANTS[deviceClass].sliced) return { kind: 'tiled', tile: tuned && isTile(tuned) ? tuned : chooseTile(layer, outPixels) };
  const wished = tuned && !isTile(tuned) ? tuned.pixels : undefined;
  // The fewest tiles, and then the smallest that do.
  if (deviceClass === 'lavapipe' && subgroup > 1 && layer.inChannels <= PICTURE_CHANNELS && layer.kernelSize > 1) {
    const stretches = Math.ceil(outWidth / (wished ?? PICTURE_PIXELS));
    return { kind: 'picture', pixels: Math.ceil(outWidth / stretches), subgroup };
  }
  const all = frames * outPixels;
  const unit = Math.max(subgroup, LEAST_PIXELS);
  const most = Math.ceil(Math.max(wished ?? PIXELS_OF_A_MEMBER[deviceClass] * subgroup, LEAST_PIXELS) / unit) * unit;
  const tiles = Math.ceil(all / most);
  const exact = Math.ceil(all / tiles);
  const whole = Math.ceil(exact / unit) * unit;
  return { kind: 'lanes', pixels: exact * WORTH <= whole ? exact : whole, subgroup };
}

/** Invocations that hand loads round: a subgroup, unless a workgroup is but a part of one, and members that load do not exist. */
function sharing(subgroupSize: number): number {
  return subgroupSize <= BLOCK_LANES ? subgroupSize : 1;
}

/** How many workgroups share the reduction of a convolution: by one frame, so that sums are the same for any number of them. */
export function chooseConv2dSplits(
  { layer, outPixels }: Omit<Conv2dProblem, 'outWidth'>,
  { deviceClass }: Pick<BuildTarget, 'deviceClass'>,
): number {
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

/** Outputs of a map that an invocation keeps as a whole: with more of them the text outgrows the instruction cache. */
const MAP_OUTPUTS = 9;
const MAP_TAPS = 9;

/**
 * In which order the weights of a convolution lie, by the outputs of a frame: plane by plane where an invocation keeps all of a map, on lavapipe.
 * SwiftShader would compile such texts for longer than it saves.
 */
export function chooseUnitOrder(
  { kernelSize, stride }: Conv2dLayer,
  outPixels: number,
  { deviceClass, subgroupSize = 1 }: Pick<BuildTarget, 'deviceClass' | 'subgroupSize'>,
): UnitOrder {
  const isSmall = kernelSize > 1 && kernelSize ** 2 <= MAP_TAPS && stride <= 2 && outPixels <= MAP_OUTPUTS;
  return deviceClass === 'lavapipe' && sharing(subgroupSize) > 1 && isSmall ? 'plane by plane' : 'tap by tap';
}

/** Tiles from which on the products of F(2×2, 3×3) pay for their transformations, and fewer where no tile is cut off. */
const MANY_TILES = 64;
const FEW_TILES = 9;
/** The same where the weights would be halves or bytes: those of the products are f32, and few tiles do not make up for reading them. */
const FEW_TILES_OF_NARROW = 16;
/** Tiles of 4×4 outputs from which on they are taken on lavapipe: where they are fewer, four times the weights have to be read for them. */
const LARGE_TILES = 9;

/**
 * Side of the tiles of outputs of F(m×m, 3×3), where a convolution is computed so: on software drivers, which multiplications bind; not over few
 * tiles, where reading more weights costs more: those of the products are f32 whatever the storage. SwiftShader has small tiles alone,
 * whose texts it compiles faster.
 */
export function chooseWinograd(
  layer: Conv2dLayer,
  { height, width }: { readonly height: number; readonly width: number },
  storage: WeightStorage,
  deviceClass: DeviceClass,
): WinogradTile | undefined {
  const { kernelSize, stride, padding } = layer;
  if (VARIANTS[deviceClass].sliced || kernelSize !== 3 || stride !== 1 || padding !== 1) return undefined;
  const few = storage === 'f32' ? FEW_TILES : FEW_TILES_OF_NARROW;
  const tiles = (side: WinogradTile): number => Math.ceil(height / side) * Math.ceil(width / side);
  if (deviceClass === 'lavapipe' && tiles(4) >= LARGE_TILES) return 4;
  return tiles(2) >= MANY_TILES || (tiles(2) >= few && height % 2 === 0 && width % 2 === 0) ? 2 : undefined;
}
