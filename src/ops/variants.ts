import type { Conv1dTiling } from '../../kernels/conv1d.wgsl.js';
import type { DeviceClass } from '../runtime/device-class.js';

/** Columns that fit in registers beside a window of inputs. */
const MAX_COLUMNS = 16;
/** WebGPU's default for invocations per workgroup, granted everywhere. */
const MAX_INVOCATIONS = 256;

/**
 * What the choice of a variant knows of a device.
 *
 * A GPU hides latency with many invocations and adds up slices of a reduction in workgroup memory. A software driver
 * runs the invocations of a workgroup one after the other and saves and restores each of them at every barrier: there a
 * reduction belongs to one invocation, and workgroups are small.
 */
const CLASSES: Readonly<Record<DeviceClass, { readonly lanes: number; readonly sliced: boolean; readonly reduction: number }>> = {
  gpu: { lanes: 8, sliced: true, reduction: 64 },
  software: { lanes: 16, sliced: false, reduction: 8 },
};

/** The part of a convolution's shape that its tiling depends on. The batch is not part of it: sums must not change with it. */
export interface Conv1dShape {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly outLength: number;
  /** Tiles of a transposed convolution begin at multiples of this. */
  readonly columnMultiple: number;
}

/** How a convolution is cut, as a function of its shape and the class of device alone. */
export function chooseConv1dTiling(shape: Conv1dShape, deviceClass: DeviceClass): Conv1dTiling {
  const { lanes: most, sliced } = CLASSES[deviceClass];
  const lanes = Math.min(most, ceilPowerOfTwo(Math.ceil(shape.outChannels / 4)));
  const slices = sliced ? floorPowerOfTwo(Math.min(shape.inChannels, MAX_INVOCATIONS / lanes)) : 1;
  return { columns: chooseColumns(shape.outLength, shape.columnMultiple), lanes, slices };
}

/** Invocations that share a reduction over `elements` values: norms and attention. */
export function reductionInvocations(elements: number, deviceClass: DeviceClass): number {
  return Math.min(CLASSES[deviceClass].reduction, ceilPowerOfTwo(elements));
}

/** All columns if they fit; else the largest even share of them; else full tiles and a partial one. */
function chooseColumns(length: number, multiple: number): number {
  if (length <= MAX_COLUMNS) return length;
  for (let columns = MAX_COLUMNS; columns >= MAX_COLUMNS / 2; columns--) {
    if (length % columns === 0 && columns % multiple === 0) return columns;
  }
  return Math.max(multiple, MAX_COLUMNS - (MAX_COLUMNS % multiple));
}

export function ceilPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

function floorPowerOfTwo(value: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, value)));
}
