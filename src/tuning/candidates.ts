import type { DeviceClass } from '../runtime/device-class.js';
import { conv2dKeyChannels, isTunedConv2d, shownConv2d, type TunedConv2d, tunedInvocations } from '../runtime/tuned-conv2d.js';
import { convolutionKeyChannels, isTiling, type TunedTiling, type VariantTable } from '../runtime/variant-table.js';

/** A way to cut a convolution along time, or one of a picture. */
export type TunedCut = TunedTiling | TunedConv2d;

const LANES = [8, 16, 32];

/** Slices worth trying. A software driver pays for every barrier, and gains nothing from idle invocations. */
const SLICES: Readonly<Record<DeviceClass, readonly number[]>> = { gpu: [4, 8, 16, 32], lavapipe: [1, 2], software: [1, 2] };

/** The ways to cut a convolution that are measured on a class of devices; those that fit a shape are some of them. */
export function candidateTilings(deviceClass: DeviceClass): TunedTiling[] {
  return LANES.flatMap((lanes) => SLICES[deviceClass].map((slices) => ({ lanes, slices })));
}

/** Pixels and lanes of a GPU's workgroup, and of an invocation. */
const TILE_PIXELS = [32, 64];
const TILE_LANES = [8, 16];
const PIXELS_EACH = [2, 4, 8];
const LANES_EACH = [1, 2, 4];
/** Fewer invocations leave the lanes of a wave idle. */
const LEAST_INVOCATIONS = 32;
const MOST_SUMS = 16;
/** Pixels of an invocation on a software driver. */
const LANE_PIXELS = [8, 16, 24, 32, 48, 64];

/** The same for convolutions of pictures. */
export function candidateConv2dCuts(deviceClass: DeviceClass): TunedConv2d[] {
  if (deviceClass !== 'gpu') return LANE_PIXELS.map((pixels) => ({ pixels }));
  const tiles = TILE_PIXELS.flatMap((pixels) =>
    TILE_LANES.flatMap((lanes) =>
      PIXELS_EACH.flatMap((pixelsEach) => LANES_EACH.map((lanesEach) => ({ pixels, pixelsEach, lanes, lanesEach }))),
    ),
  );
  return tiles.filter(
    (tile) =>
      tunedInvocations(tile) >= LEAST_INVOCATIONS &&
      tile.pixelsEach * tile.lanesEach <= MOST_SUMS &&
      // Any number of output channels that fills its lanes: whether a shape does, `fits` asks.
      isTunedConv2d(tile, 4 * tile.lanes),
  );
}

/** All that is tried on a class of devices. */
export function candidateCuts(deviceClass: DeviceClass): TunedCut[] {
  return [...candidateTilings(deviceClass), ...candidateConv2dCuts(deviceClass)];
}

/** Whether a candidate can cut the convolution of a key, and leaves no slice without input channels. */
export function fits(cut: TunedCut, key: string): boolean {
  const outChannels = conv2dKeyChannels(key);
  if (outChannels !== undefined) return !isTiling1d(cut) && isTunedConv2d(cut, outChannels);
  return isTiling1d(cut) && fitsShape(cut, convolutionKeyChannels(key));
}

function isTiling1d(cut: TunedCut): cut is TunedTiling {
  return 'slices' in cut;
}

/** "8 × 16" (lanes × slices), "64×16 of 4×2" (pixels × lanes of a workgroup and of an invocation), "32 pixels". */
export function shownCut(cut: TunedCut): string {
  return isTiling1d(cut) ? `${cut.lanes} × ${cut.slices}` : shownConv2d(cut);
}

/** A table's two lists from one. */
export function tableLists(cuts: Readonly<Record<string, TunedCut>>): Pick<VariantTable, 'convolutions' | 'convolutions2d'> {
  const convolutions: Record<string, TunedTiling> = {};
  const convolutions2d: Record<string, TunedConv2d> = {};
  for (const [key, cut] of Object.entries(cuts)) {
    if (isTiling1d(cut)) convolutions[key] = cut;
    else convolutions2d[key] = cut;
  }
  return { convolutions, ...(Object.keys(convolutions2d).length > 0 ? { convolutions2d } : {}) };
}

/** Whether a candidate can compute a convolution of this shape, and leaves no slice without input channels. */
export function fitsShape(tiling: TunedTiling, shape: { readonly inChannels: number; readonly outChannels: number }): boolean {
  return isTiling(tiling, shape.outChannels) && tiling.slices <= shape.inChannels;
}
