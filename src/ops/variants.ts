import type { DirectVector, InputSpace } from '../../kernels/conv/conv-input.wgsl.js';
import { PROLOGUE_VEC4S } from '../../kernels/conv/conv-prologue.wgsl.js';
import type { Conv1dTiling } from '../../kernels/conv/conv1d-shape.js';
import type { ProductOrder } from '../../kernels/conv/products.js';
import { type ActivationLayout, UNIFORM_INPUT_BYTES } from '../../kernels/lib/kernel.js';
import { BLOCK_LANES, type WeightPlace, type WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import type { ColumnLoads } from '../../kernels/norm/group-norm-columns.wgsl.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { DeviceClass } from '../runtime/device-class.js';
import type { Tensor } from '../runtime/tensor.js';
import type { TunedTiling } from '../runtime/variant-table.js';

/** Columns that fit in registers beside a window of inputs. */
const MAX_COLUMNS = 16;
/** WebGPU's default for invocations per workgroup, granted everywhere. */
const MAX_INVOCATIONS = 256;

/** How kernels are cut on a class of devices. */
interface ClassVariants {
  /** Whether invocations of a workgroup share the reduction of a convolution. */
  readonly sliced: boolean;
  /** Invocations that share the reduction of a norm or of attention. */
  readonly reduction: number;
  readonly place: WeightPlace;
  readonly inSpace: InputSpace;
  /** Whether a subgroup loads the input of a 1-D convolution together, where there are subgroups. */
  readonly handed: boolean;
  /** Most workgroups that share a reduction; 1: norms are dispatches of their own, and convolutions leave whole sums. */
  readonly splits: number;
}

/**
 * A GPU hides latency with many invocations and adds up slices of a reduction in workgroup memory. A software driver
 * runs the invocations of a workgroup one after the other and saves and restores each of them at every barrier: there a
 * reduction belongs to one invocation, and workgroups are as wide as its vectors. What a load costs on lavapipe is told
 * in docs/performance/lavapipe.md.
 */
export const VARIANTS: Readonly<Record<DeviceClass, ClassVariants>> = {
  gpu: { sliced: true, reduction: 64, place: 'buffer', inSpace: 'storage', handed: false, splits: 8 },
  lavapipe: { sliced: false, reduction: 8, place: 'texture', inSpace: 'uniform', handed: true, splits: 1 },
  software: { sliced: false, reduction: 8, place: 'buffer', inSpace: 'storage', handed: false, splits: 1 },
};

/** Where weights lie on a device: all kernels find them there. */
export function chooseWeightPlace({
  deviceClass,
  readsStorageTextures,
}: Pick<ComputeDevice, 'deviceClass' | 'readsStorageTextures'>): WeightPlace {
  return readsStorageTextures ? VARIANTS[deviceClass].place : 'buffer';
}

/** The part of a convolution's shape that its tiling depends on. The batch is not part of it: sums must not change with it. */
export interface TilingProblem {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly outLength: number;
  /** Tiles of a transposed convolution begin at multiples of this. */
  readonly columnMultiple: number;
}

/**
 * How a convolution is cut, as a function of its shape and the class of device alone, unless the device's table of
 * variants has an entry for it. Columns are the shape's in any case.
 */
export function chooseConv1dTiling(shape: TilingProblem, deviceClass: DeviceClass, tuned?: TunedTiling): Conv1dTiling {
  const columns = chooseColumns(shape.outLength, shape.columnMultiple);
  if (tuned) return { columns, lanes: tuned.lanes, slices: tuned.slices };
  const slices = VARIANTS[deviceClass].sliced ? floorPowerOfTwo(Math.min(shape.inChannels, MAX_INVOCATIONS / BLOCK_LANES)) : 1;
  return { columns, lanes: BLOCK_LANES, slices };
}

/**
 * The order of a convolution's products where its weights lie. In a texture a software driver reads them, whose registers hold the sums of a
 * column or of a tile. In a tile a weight is decoded for every four columns, and never waits in memory meanwhile, which pays for bytes alone.
 */
export function chooseProductOrder({ place, storage }: { readonly place: WeightPlace; readonly storage: WeightStorage }): ProductOrder {
  if (place === 'buffer') return 'by weight';
  return storage === 'int8' ? 'by tile' : 'by column';
}

/** How a convolution may load its input. */
export interface InputLoads {
  readonly vector: DirectVector;
  readonly space: InputSpace;
}

/** What the choice of input loads knows of a call. */
export interface InputShape {
  readonly layout: ActivationLayout;
  readonly inLength: number;
  readonly inChannels: number;
  /** A linear layer: one column in, one column out. */
  readonly pointwise: boolean;
  /** Input columns between the first ones of two tiles; undefined where there is one tile. */
  readonly tileStep: number | undefined;
  readonly batch: number;
  /** Of the buffer that holds the input. */
  readonly bufferBytes: number;
}

/** The widest loads that the layout of an input allows. All of them give the same values, so sums do not depend on it. */
export function chooseInputLoads(shape: InputShape, deviceClass: DeviceClass): InputLoads {
  const { layout, inLength, inChannels, pointwise, tileStep, batch, bufferBytes } = shape;
  const aligned = (...numbers: number[]): boolean => numbers.every((number) => number % 4 === 0);
  const { offset, batchStride, channelStride, timeStride } = layout;
  let vector: DirectVector = 'scalar';
  if (timeStride === 1 && aligned(offset, batchStride, channelStride, inLength, tileStep ?? 0)) vector = 'time';
  else if (pointwise && channelStride === 1 && aligned(offset, batchStride, timeStride, inChannels)) vector = 'channel';
  const end = offset + (batch - 1) * batchStride + (inChannels - 1) * channelStride + (inLength - 1) * timeStride + 1;
  const fits = vector !== 'scalar' && end * 4 <= UNIFORM_INPUT_BYTES && UNIFORM_INPUT_BYTES <= bufferBytes;
  return { vector, space: fits ? VARIANTS[deviceClass].inSpace : 'storage' };
}

/**
 * How a norm loads four columns of an activation at once; `scalar`: it does not, because the layout has none side by side, or the class of device
 * gains nothing. Sums of such a norm have another order, so this depends on the shape and the class alone, not on the batch: a batch that
 * is too large for a uniform is read from storage.
 */
export function chooseColumnLoads({ layout, length, channels, batch, buffer }: Tensor, deviceClass: DeviceClass): ColumnLoads {
  if (VARIANTS[deviceClass].inSpace !== 'uniform') return 'scalar';
  const shape = { layout, inLength: length, inChannels: channels, pointwise: false, tileStep: undefined, batch, bufferBytes: buffer.bytes };
  const { vector, space } = chooseInputLoads(shape, deviceClass);
  return vector === 'time' ? space : 'scalar';
}

/** What the split of a reduction over input channels depends on. */
export interface SplitShape {
  readonly inChannels: number;
  readonly inLength: number;
  /** Channels that must stay together: those of a turn of the loop, and for a staged input those of a norm's group. */
  readonly unit: number;
  /** Whether the input is brought to workgroup memory. */
  readonly staged: boolean;
  /** Input columns from tile to tile, where there are several (`tileStep`). */
  readonly tileStep?: number | undefined;
}

/** Input columns from a convolution's tile to the next one; undefined where one tile is all. */
export function tileStep(shape: { readonly outLength: number; readonly stride: number; readonly transposed: boolean }): number | undefined {
  const { outLength, stride, transposed } = shape;
  const columns = chooseColumns(outLength, transposed ? stride : 1);
  if (columns >= outLength) return undefined;
  return transposed ? columns / stride : columns * stride;
}

/**
 * How many workgroups share the reduction of a convolution whose reader can add up partial sums: the most that get equal
 * shares. undefined where a staged input would not fit, or the class of device does not stage inputs.
 */
export function chooseSplits(shape: SplitShape, deviceClass: DeviceClass): number | undefined {
  const { inChannels, inLength, unit, staged } = shape;
  const most = VARIANTS[deviceClass].splits;
  if (most === 1) return undefined;
  // A staged input is read four columns at once.
  if (staged && (shape.tileStep ?? 0) % 4 !== 0) return undefined;
  const fits = (splits: number): boolean => {
    const channels = inChannels / splits;
    return channels % unit === 0 && (!staged || (inLength % 4 === 0 && (channels * inLength) / 4 <= PROLOGUE_VEC4S));
  };
  return Array.from({ length: most }, (_, i) => most - i).find(fits) ?? (staged ? undefined : 1);
}

/** Invocations that share a reduction over `elements` values: norms and attention. */
export function reductionInvocations(elements: number, deviceClass: DeviceClass): number {
  return Math.min(VARIANTS[deviceClass].reduction, ceilPowerOfTwo(elements));
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
