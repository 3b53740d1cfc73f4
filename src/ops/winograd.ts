import type { Conv2dLayer } from '../../kernels/conv/conv2d-shape.js';
import { winogradInputKernel, winogradOutputKernel, winogradShape } from '../../kernels/conv/winograd.wgsl.js';
import { transformWeights, type WinogradTile, winogradPositions } from '../../kernels/conv/winograd-transforms.js';
import { type FeatureMap, placeOf, planes } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { type Conv2dValues, type Conv2dWeights, recordConv2d, uploadConv2d, uploadPerChannel } from './conv2d.js';
import { roundedWeights } from './rounded-weights.js';
import { storageOf } from './weight-packing.js';
import type { WeightLoader } from './weight-source.js';

const INVOCATIONS = 8;

/**
 * Weights of a 3×3 convolution with stride 1 and padding 1 in the space of the products of F(tile×tile, 3×3): f32, whatever the precision.
 * Rounded there, they would be off by as much as the transformation of the products magnifies it.
 */
export interface WinogradWeights {
  readonly layer: Conv2dLayer;
  readonly tile: WinogradTile;
  readonly encoders: number;
  /** A 1×1 convolution for each position of each encoder. */
  readonly products: Conv2dWeights;
  readonly bias: GPUBuffer | undefined;
}

export function isWinograd(weights: Conv2dWeights | WinogradWeights): weights is WinogradWeights {
  return 'products' in weights;
}

/**
 * Rounds the weights as the loader's precision would, transforms them in float64 and brings them to the device: 16/9 of their size in f32 with
 * tiles of 2×2, 4 times with 4×4.
 */
export async function uploadWinograd(
  loader: WeightLoader,
  label: string,
  layer: Conv2dLayer,
  values: readonly Conv2dValues[],
  tile: WinogradTile,
): Promise<WinogradWeights> {
  const { inChannels, outChannels } = layer;
  const storage = storageOf(loader.precision, inChannels, outChannels);
  const positions = values.flatMap(({ weight }) =>
    transformWeights(roundedWeights(storage, label, weight, outChannels), tile).map((part) => ({ weight: part })),
  );
  const product = { inChannels, outChannels, kernelSize: 1, stride: 1, padding: 0 };
  const hasBias = values.some(({ bias }) => bias);
  return {
    layer,
    tile,
    encoders: values.length,
    products: await uploadConv2d({ ...loader, precision: 'f32' }, label, product, positions),
    bias: hasBias
      ? await uploadPerChannel(
          loader,
          `bias of ${label}`,
          outChannels,
          values.map(({ bias }) => bias),
        )
      : undefined,
  };
}

/** Maps that a convolution needs on the way: transformed patches, and products. */
export function winogradMaps(
  { layer, tile, encoders }: WinogradWeights,
  x: FeatureMap,
): readonly [Omit<FeatureMap, 'buffer'>, Omit<FeatureMap, 'buffer'>] {
  const shape = {
    batch: x.batch * winogradPositions(tile),
    height: Math.ceil(x.height / tile),
    width: Math.ceil(x.width / tile),
  };
  if (x.channels !== layer.inChannels || x.batch % encoders !== 0) {
    throw new TypeError(`winograd: ${encoders} encoders of ${layer.inChannels} channels, x is ${x.batch}x${x.channels}`);
  }
  return [
    { ...shape, channels: layer.inChannels },
    { ...shape, channels: layer.outChannels },
  ];
}

/** Records y = relu(conv(x) + bias + residual) over maps that `winogradMaps` asks for. */
export function recordWinograd(
  builder: PlanBuilder,
  weights: WinogradWeights,
  call: {
    readonly x: FeatureMap;
    readonly y: FeatureMap;
    readonly patches: FeatureMap;
    readonly products: FeatureMap;
    readonly residual?: FeatureMap | undefined;
    readonly relu?: boolean | undefined;
  },
): void {
  const { x, y, patches, products, residual, relu = false } = call;
  if (y.channels !== weights.layer.outChannels || y.batch !== x.batch || y.height !== x.height || y.width !== x.width) {
    throw new TypeError(
      `winograd: x is ${x.batch}x${x.channels}x${x.height}x${x.width}, y is ${y.batch}x${y.channels}x${y.height}x${y.width}`,
    );
  }
  const sizes = {
    height: x.height,
    width: x.width,
    tileRows: patches.height,
    tileColumns: patches.width,
    frames: x.batch / weights.encoders,
  };
  const { tile } = weights;
  const grid = (map: FeatureMap): [number, number, number] => [
    Math.ceil((patches.height * patches.width * planes(map)) / INVOCATIONS),
    1,
    map.batch,
  ];
  builder.dispatch(
    winogradInputKernel(INVOCATIONS, tile, placeOf(x)),
    [builder.shape(winogradShape({ ...sizes, planes: planes(x) })), { buffer: x.buffer }, { buffer: patches.buffer }],
    grid(x),
  );
  recordConv2d(builder, weights.products, { x: patches, y: products });
  builder.dispatch(
    winogradOutputKernel({
      invocations: INVOCATIONS,
      tile,
      bias: weights.bias !== undefined,
      residual: residual !== undefined,
      relu,
      maps: { x: placeOf(products), ...(residual ? { residual: placeOf(residual) } : {}), y: placeOf(y) },
    }),
    [
      builder.shape(winogradShape({ ...sizes, planes: planes(y) })),
      { buffer: products.buffer },
      ...(weights.bias ? [{ buffer: builder.existing(weights.bias) }] : []),
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
    ],
    grid(y),
  );
}
