import { conv2dLanesKernel } from '../../kernels/conv/conv2d-lanes.wgsl.js';
import { conv2dMapKernel } from '../../kernels/conv/conv2d-map.wgsl.js';
import { conv2dPictureKernel } from '../../kernels/conv/conv2d-picture.wgsl.js';
import { type Conv2dLayer, conv2dShape, encoderBlocks, type UnitOrder } from '../../kernels/conv/conv2d-shape.js';
import { conv2dTiledKernel, TILE_UNITS } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { BLOCK_LANES } from '../../kernels/lib/weight-storage.wgsl.js';
import { type FeatureMap, placeOf, planes } from '../runtime/feature-map.js';
import type { Binding, BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { conv2dKey } from '../runtime/tuned-conv2d.js';
import { type Conv2dCut, chooseConv2dCut } from './conv2d-variants.js';
import { convView } from './matrix-view.js';
import { type DeviceMatrix, storageOf, uploadMatrix } from './weight-packing.js';
import type { WeightLoader } from './weight-source.js';

/** Weights of a 2-D convolution on the device, for one encoder or several side by side. */
export interface Conv2dWeights extends DeviceMatrix {
  readonly layer: Conv2dLayer;
  readonly order: UnitOrder;
  readonly encoders: number;
  /** vec4f [encoder][⌈outChannels / 4⌉]. */
  readonly bias: GPUBuffer | undefined;
}

/** Weights as PyTorch keeps them, [out][in][row][column], and biases, of each encoder. */
export interface Conv2dValues {
  readonly weight: Float32Array;
  readonly bias?: Float32Array | undefined;
}

/**
 * Brings the same layer of some encoders to the device. Biases stay f32: a norm may be folded into them. `order`: what convolutions over small
 * maps read plane by plane (`chooseUnitOrder`).
 */
export async function uploadConv2d(
  loader: WeightLoader,
  label: string,
  layer: Conv2dLayer,
  values: readonly Conv2dValues[],
  order: UnitOrder = 'tap by tap',
): Promise<Conv2dWeights> {
  const { inChannels, outChannels, kernelSize } = layer;
  const taps = kernelSize * kernelSize;
  const width = planes({ channels: inChannels }) * 4;
  const rows = taps * width;
  // Encoders begin at whole blocks of the packed weights.
  const stride = encoderBlocks(outChannels) * 4 * BLOCK_LANES;
  const columns = (values.length - 1) * stride + outChannels;
  const matrix = new Float32Array(columns * rows);
  values.forEach(({ weight }, encoder) => {
    if (weight.length !== outChannels * inChannels * taps) {
      throw new TypeError(`${label}: expected ${outChannels}×${inChannels}×${kernelSize}×${kernelSize} weights, found ${weight.length}`);
    }
    let from = 0;
    for (let out = 0; out < outChannels; out++) {
      const row = (encoder * stride + out) * rows;
      for (let channel = 0; channel < inChannels; channel++) {
        const [first, step] = order === 'tap by tap' ? [channel, width] : [(channel - (channel % 4)) * taps + (channel % 4), 4];
        for (let tap = 0; tap < taps; tap++) matrix[row + first + tap * step] = weight[from++] as number;
      }
    }
  });
  const storage = storageOf(loader.precision, inChannels, outChannels);
  const uploaded = await uploadMatrix(loader, label, matrix, convView(columns, rows, 1), { storage, carried: false });
  const bias = values.some((value) => value.bias)
    ? await uploadPerChannel(
        loader,
        `bias of ${label}`,
        outChannels,
        values.map(({ bias }) => bias),
      )
    : undefined;
  return { ...uploaded, layer, order, encoders: values.length, bias };
}

/** A value per output channel of each encoder, as vec4f [encoder][⌈channels / 4⌉]; 0 where an encoder has none. */
export function uploadPerChannel(
  loader: WeightLoader,
  label: string,
  channels: number,
  values: readonly (Float32Array | undefined)[],
): Promise<GPUBuffer> {
  const width = planes({ channels }) * 4;
  const padded = new Float32Array(values.length * width);
  values.forEach((value, encoder) => value && padded.set(value, encoder * width));
  return loader.uploader.uploadFloats(label, padded);
}

/** What a convolution leaves where workgroups share its reduction: [splits] feature maps, without bias, to be added up. */
export interface PartialMaps extends FeatureMap {
  readonly splits: number;
}

export interface Conv2dCall {
  readonly x: FeatureMap;
  /** Partial maps: without bias, residual and ReLU. */
  readonly y: FeatureMap | PartialMaps;
  readonly residual?: FeatureMap | undefined;
  readonly relu?: boolean | undefined;
}

/** Height and width of what a convolution makes of a map. */
export function conv2dOutput(
  { kernelSize, stride, padding }: Pick<Conv2dLayer, 'kernelSize' | 'stride' | 'padding'>,
  size: number,
): number {
  return Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
}

/** Records y = relu(conv(x) + bias + residual). Samples of x are those of the first encoder, then those of the next. */
export function recordConv2d(builder: PlanBuilder, weights: Conv2dWeights, call: Conv2dCall): void {
  const { x, y, residual, relu = false } = call;
  const { layer, order, encoders, storage } = weights;
  const { inChannels, outChannels } = layer;
  const [height, width] = [conv2dOutput(layer, x.height), conv2dOutput(layer, x.width)];
  const described = ({ batch, channels, height: rows, width: columns }: FeatureMap): string => [batch, channels, rows, columns].join('x');
  const fits = (map: FeatureMap): boolean =>
    map.batch === x.batch && map.channels === outChannels && map.height === height && map.width === width;
  if (x.channels !== inChannels || x.batch % encoders !== 0 || !fits(y) || (residual && !fits(residual))) {
    throw new TypeError(
      `conv2d: ${encoders} encoders of weights ${inChannels} -> ${outChannels}, output ${height}x${width}; x is ${described(x)}, ` +
        `y is ${described(y)}${residual ? `, residual is ${described(residual)}` : ''}`,
    );
  }
  const partial = 'splits' in y;
  if (partial && (residual || relu)) throw new TypeError('conv2d: partial sums take no residual and no ReLU');
  const frames = x.batch / encoders;
  const splits = partial ? y.splits : 1;
  const sides = { inHeight: x.height, inWidth: x.width, outHeight: height, outWidth: width };
  const variant = conv2dKey({ ...layer, ...sides, storage, encoders, splits });
  const tuned = builder.variants?.convolutions2d?.[variant];
  const cut = chooseConv2dCut({ layer, order, outPixels: height * width, outWidth: width, frames }, builder, tuned);
  const parameters = {
    storage,
    halfLoads: weights.place === 'buffer' ? builder.halfLoads : ('packed' as const),
    place: weights.place,
    bias: weights.bias !== undefined && !partial,
    residual: residual !== undefined,
    relu,
    maps: { x: placeOf(x), residual: residual && placeOf(residual), y: placeOf(y) },
  };
  const unitsAtOnce = cut.kind === 'tiled' ? TILE_UNITS : 1;
  if (cut.kind !== 'tiled' && splits !== 1) throw new TypeError('conv2d: only a class that shares reductions leaves several partial sums');
  const kernelOf = (): Kernel => {
    if (cut.kind === 'tiled') return conv2dTiledKernel({ ...parameters, tile: cut.tile, split: partial });
    if (cut.kind === 'map') return conv2dMapKernel({ ...parameters, subgroup: cut.subgroup, geometry: { ...layer, ...sides } });
    if (cut.kind === 'picture') return conv2dPictureKernel({ ...parameters, layer, pixels: cut.pixels, subgroup: cut.subgroup });
    return conv2dLanesKernel({ ...parameters, pixels: cut.pixels, subgroup: cut.subgroup, channels: Math.min(4, inChannels) });
  };
  const lanes = cut.kind === 'tiled' ? cut.tile.lanes : BLOCK_LANES;
  const pixelTiles = tilesOf(cut, { frames, height, width });
  const laneTiles = Math.ceil(planes(y) / lanes);
  const existing = (resource: GPUBuffer | undefined): Binding[] => (resource ? [{ buffer: builder.existing(resource) }] : []);
  const shape = conv2dShape(storage, {
    ...layer,
    ...sides,
    frames,
    encoders,
    splits,
    unitsAtOnce,
  });
  builder.dispatch(
    kernelOf(),
    [
      builder.shape(shape),
      { buffer: x.buffer },
      { buffer: builder.existing(weights.weight, weights.bytes) },
      ...existing(weights.weightScale),
      ...(parameters.bias ? existing(weights.bias) : []),
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
    ],
    cut.kind === 'tiled' ? [pixelTiles, laneTiles * splits, encoders] : [laneTiles, pixelTiles, encoders],
    variant,
  );
}

/** Workgroups side by side, of the pixels of so many frames. */
function tilesOf(
  cut: Conv2dCut,
  { frames, height, width }: { readonly frames: number; readonly height: number; readonly width: number },
): number {
  if (cut.kind === 'map') return frames;
  if (cut.kind === 'picture') return frames * height * Math.ceil(width / cut.pixels);
  return Math.ceil((frames * height * width) / (cut.kind === 'tiled' ? cut.tile.pixels : cut.pixels));
}

/** Buffer for partial maps of a shape. */
export function partialMaps(builder: PlanBuilder, label: string, shape: Omit<PartialMaps, 'buffer'>): PartialMaps {
  const { batch, height, width, splits } = shape;
  const buffer: BufferHandle = builder.buffer(label, splits * batch * planes(shape) * height * width * 16);
  return { ...shape, buffer };
}
