import { maxPoolKernel, maxPoolShape, POOL } from '../../kernels/image/max-pool.wgsl.js';
import { meanPoolKernel, meanPoolShape } from '../../kernels/image/mean-pool.wgsl.js';
import { spatialSoftmaxKernel, spatialSoftmaxShape } from '../../kernels/image/spatial-softmax.wgsl.js';
import { TEXTURE_WIDTH } from '../../kernels/lib/kernel.js';
import type { MapPlace } from '../../kernels/lib/map-place.wgsl.js';
import { finishMapKernel, finishMapShape, type MapParts } from '../../kernels/norm/finish-map.wgsl.js';
import { mapStatisticsKernel } from '../../kernels/norm/map-statistics.wgsl.js';
import type { DeviceClass } from '../runtime/device-class.js';
import { type FeatureMap, mapElements, placeOf, planes } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import type { Tensor } from '../runtime/tensor.js';
import { conv2dOutput, type PartialMaps, uploadPerChannel } from './conv2d.js';
import { EPSILON } from './norm.js';
import { ceilPowerOfTwo, VARIANTS } from './variants.js';
import type { WeightLoader } from './weight-source.js';

const INVOCATIONS = 64;
/** Invocations of a GPU that share a group of a map. */
const GROUP_INVOCATIONS = 256;

/** Scale and shift of each channel, vec4f [encoder][⌈channels / 4⌉], of a group norm or of nothing else. */
export interface MapNorm {
  readonly gamma: GPUBuffer;
  readonly beta: GPUBuffer;
  readonly channels: number;
  readonly encoders: number;
  /** Channels of a group; undefined: scale and shift alone. */
  readonly groupChannels: number | undefined;
}

/** Brings scale and shift of some encoders to the device, as f32. */
export async function uploadMapNorm(
  loader: WeightLoader,
  label: string,
  channels: number,
  groupChannels: number | undefined,
  values: readonly { readonly gamma: Float32Array; readonly beta: Float32Array }[],
): Promise<MapNorm> {
  return {
    gamma: await uploadPerChannel(
      loader,
      `scale of ${label}`,
      channels,
      values.map(({ gamma }) => gamma),
    ),
    beta: await uploadPerChannel(
      loader,
      `shift of ${label}`,
      channels,
      values.map(({ beta }) => beta),
    ),
    channels,
    encoders: values.length,
    groupChannels,
  };
}

function sameMap(a: FeatureMap, b: FeatureMap): boolean {
  return a.batch === b.batch && a.channels === b.channels && a.height === b.height && a.width === b.width;
}

/** vec4s of a group, four channels of a pixel each, that one workgroup normalises sooner than two dispatches would. */
const WHOLE_GROUP = 8192;
const PART_ELEMENTS = 4096;
/** Every part is read by an invocation of its own. */
const MOST_PARTS = 128;

/**
 * Where a map lies that kernels of this family write and read: a texture on drivers that load texels faster than words, unless it would be too
 * large for one. All of them know both but for those that leave or take partial sums, which no such driver has.
 */
export function chooseMapPlace(
  shape: Omit<FeatureMap, 'buffer'>,
  { deviceClass, readsStorageTextures }: Pick<PlanBuilder, 'deviceClass' | 'readsStorageTextures'>,
): MapPlace {
  const fits = mapElements(shape) / 4 <= TEXTURE_WIDTH ** 2;
  return readsStorageTextures && fits ? VARIANTS[deviceClass].place : 'buffer';
}

/** How many workgroups share a group of a norm over so many vec4s: by one sample, so that sums are the same for any number of them. */
export function chooseMapParts(elements: number, deviceClass: DeviceClass): number {
  if (!VARIANTS[deviceClass].sliced || elements <= WHOLE_GROUP) return 1;
  return Math.min(MOST_PARTS, Math.ceil(elements / PART_ELEMENTS));
}

/** Parts of one size, but for the last. */
function cutOf(elements: number, parts: number): MapParts {
  const partElements = Math.ceil(elements / parts);
  if (parts > MOST_PARTS || (parts - 1) * partElements >= elements) {
    throw new TypeError(`group_norm_map: ${elements} elements cannot be cut into ${parts} parts, of which there are ${MOST_PARTS} at most`);
  }
  return { parts, partElements };
}

/** Records y = relu(norm(Σ x) + residual). */
export function recordFinishMap(
  builder: PlanBuilder,
  norm: MapNorm,
  call: {
    readonly x: FeatureMap | PartialMaps;
    readonly y: FeatureMap;
    readonly residual?: FeatureMap | undefined;
    readonly relu: boolean;
    /** Workgroups that share a group of a group norm; default by shape and class of device. */
    readonly parts?: number;
  },
): void {
  const { x, y, residual, relu } = call;
  const { channels, encoders, groupChannels } = norm;
  if (!sameMap(x, y) || (residual && !sameMap(residual, y)) || y.channels !== channels || y.batch % encoders !== 0) {
    throw new TypeError(`finish_map: ${encoders} encoders of ${channels} channels, y is ${y.batch}x${y.channels}x${y.height}x${y.width}`);
  }
  if (groupChannels !== undefined && (channels % groupChannels !== 0 || groupChannels % 4 !== 0)) {
    throw new TypeError(`finish_map: ${channels} channels in groups of ${groupChannels}; a group must be whole planes of four channels`);
  }
  const groupPlanes = groupChannels === undefined ? 1 : groupChannels / 4;
  const pixels = y.height * y.width;
  const elements = groupPlanes * pixels;
  const parts = groupChannels === undefined ? 1 : (call.parts ?? chooseMapParts(elements, builder.deviceClass));
  const cut = parts > 1 ? cutOf(elements, parts) : undefined;
  const most = VARIANTS[builder.deviceClass].sliced ? GROUP_INVOCATIONS : VARIANTS[builder.deviceClass].reduction;
  const invocations = cut ? GROUP_INVOCATIONS : Math.min(most, ceilPowerOfTwo(elements));
  const shape = builder.shape(
    finishMapShape(
      {
        planes: planes(y),
        groupPlanes,
        pixels,
        partials: 'splits' in x ? x.splits : 1,
        partialStride: mapElements(y) / 4,
        frames: y.batch / encoders,
      },
      cut,
    ),
  );
  const groups = planes(y) / groupPlanes;
  const workgroups = [groups, parts, y.batch] as const;
  const statistics = cut && builder.buffer('statistics of parts', y.batch * groups * parts * 8);
  if (statistics) builder.dispatch(mapStatisticsKernel(invocations), [shape, { buffer: x.buffer }, { buffer: statistics }], workgroups);
  builder.dispatch(
    finishMapKernel({
      invocations,
      norm: groupChannels === undefined ? 'none' : cut ? 'parts' : 'group',
      epsilon: EPSILON,
      residual: residual !== undefined,
      relu,
      maps: { x: placeOf(x), ...(residual ? { residual: placeOf(residual) } : {}), y: placeOf(y) },
    }),
    [
      shape,
      { buffer: x.buffer },
      { buffer: builder.existing(norm.gamma) },
      { buffer: builder.existing(norm.beta) },
      ...(statistics ? [{ buffer: statistics }] : []),
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
    ],
    workgroups,
  );
}

/** Height or width after the max pool. */
export function poolOutput(size: number): number {
  return conv2dOutput({ kernelSize: POOL.size, stride: POOL.stride, padding: POOL.padding }, size);
}

/** Records y = max_pool(relu(x)). */
export function recordMaxPool(builder: PlanBuilder, x: FeatureMap, y: FeatureMap): void {
  const expected = { ...x, height: poolOutput(x.height), width: poolOutput(x.width) };
  if (!sameMap(expected, y)) throw new TypeError(`max_pool: expected ${expected.height}x${expected.width}, y is ${y.height}x${y.width}`);
  const shape = maxPoolShape({ inHeight: x.height, inWidth: x.width, outHeight: y.height, outWidth: y.width });
  builder.dispatch(
    maxPoolKernel(INVOCATIONS, { x: placeOf(x), y: placeOf(y) }),
    [builder.shape(shape), { buffer: x.buffer }, { buffer: y.buffer }],
    [Math.ceil((y.height * y.width) / INVOCATIONS), y.batch * planes(y), 1],
  );
}

/** Records the mean of each channel of maps, as one token of `channels` per sample. */
export function recordMeanPool(builder: PlanBuilder, x: FeatureMap, y: Tensor): void {
  const positions = x.height * x.width;
  if (y.channels !== x.channels || y.batch !== x.batch || y.length !== 1 || !isPlainToken(y)) {
    throw new TypeError(`mean_pool: ${x.batch} samples of ${x.channels} maps, y is ${y.batch}x${y.channels}x${y.length}`);
  }
  builder.dispatch(
    meanPoolKernel(reductionOf(builder, positions)),
    [builder.shape(meanPoolShape({ channels: x.channels, positions })), { buffer: x.buffer }, { buffer: y.buffer }],
    [planes(x), 1, x.batch],
  );
}

/** Whether samples of one token lie one after the other, from the beginning of their buffer on. */
function isPlainToken({ layout, channels }: Tensor): boolean {
  return layout.offset === 0 && layout.channelStride === 1 && layout.batchStride === channels;
}

/** Invocations that share the positions of a map. */
function reductionOf({ deviceClass }: Pick<PlanBuilder, 'deviceClass'>, positions: number): number {
  return Math.max(4, Math.min(VARIANTS[deviceClass].reduction, ceilPowerOfTwo(positions)));
}

/**
 * Records the keypoints of maps, x then y of each, as one token of 2 · channels per sample. `grid`: f32 [encoder][height · width][2].
 */
export function recordSpatialSoftmax(builder: PlanBuilder, grid: GPUBuffer, encoders: number, x: FeatureMap, y: Tensor): void {
  const positions = x.height * x.width;
  if (y.channels !== 2 * x.channels || y.batch !== x.batch || y.length !== 1 || !isPlainToken(y) || x.batch % encoders !== 0) {
    throw new TypeError(`spatial_softmax: ${x.batch} samples of ${x.channels} maps, y is ${y.batch}x${y.channels}x${y.length}`);
  }
  const kernel = spatialSoftmaxKernel(reductionOf(builder, positions));
  builder.dispatch(
    kernel,
    [
      builder.shape(spatialSoftmaxShape({ keypoints: x.channels, positions, frames: x.batch / encoders })),
      { buffer: x.buffer },
      { buffer: builder.existing(grid) },
      { buffer: y.buffer },
    ],
    [planes(x), 1, x.batch],
  );
}
