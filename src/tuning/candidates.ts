import type { DeviceClass } from '../runtime/device-class.js';
import { isTiling, type TunedTiling } from '../runtime/variant-table.js';

const LANES = [8, 16, 32];

/** Slices worth trying. A software driver pays for every barrier, and gains nothing from idle invocations. */
const SLICES: Readonly<Record<DeviceClass, readonly number[]>> = { gpu: [4, 8, 16, 32], lavapipe: [1, 2], software: [1, 2] };

/** The ways to cut a convolution that are measured on a class of devices; those that fit a shape are some of them. */
export function candidateTilings(deviceClass: DeviceClass): TunedTiling[] {
  return LANES.flatMap((lanes) => SLICES[deviceClass].map((slices) => ({ lanes, slices })));
}

/** Whether a candidate can compute a convolution of this shape, and leaves no slice without input channels. */
export function fitsShape(tiling: TunedTiling, shape: { readonly inChannels: number; readonly outChannels: number }): boolean {
  return isTiling(tiling, shape.outChannels) && tiling.slices <= shape.inChannels;
}
