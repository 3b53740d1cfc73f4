import type { MapPlace } from '../../../kernels/lib/map-place.wgsl.js';
import { recordConv1d } from '../../ops/conv1d.js';
import { type Conv2dCall, type Conv2dWeights, conv2dOutput, type PartialMaps, partialMaps, recordConv2d } from '../../ops/conv2d.js';
import { chooseConv2dSplits } from '../../ops/conv2d-variants.js';
import { type MapNorm, poolOutput, recordFinishMap, recordMaxPool, recordSpatialSoftmax } from '../../ops/feature-maps.js';
import { isWinograd, recordWinograd, type WinogradWeights, winogradMaps } from '../../ops/winograd.js';
import { type FeatureMap, mapElements } from '../../runtime/feature-map.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { type Tensor, tokens } from '../../runtime/tensor.js';
import type { ConvNorm, ImageEncoder, ResidualBlock } from './load.js';
import { MapPool } from './map-pool.js';
import { encoderFeatures } from './shape.js';

/** What the recording of one encoder shares. */
interface Recording {
  readonly builder: PlanBuilder;
  readonly maps: MapPool;
  readonly cameras: number;
}

/**
 * Records features = relu(out(keypoints(backbone(x)))). x: prepared pictures of `cameras` cameras, all of the first one, then those
 * of the next; `features`: a token of 2 · keypoints for each of them, in the same order.
 *
 * Probes, for each camera n: `encoder.n.input`, `encoder.n.backbone.0` (first convolution), `.backbone.1` (its norm, before ReLU),
 * `.backbone.3` (max pool), `.backbone.4` … `.7` (stages) as maps in the order of their buffers, `.pool` (keypoints) and `.out`
 * (linear layer, before ReLU). Probes change no other value.
 */
export function recordImageEncoder(builder: PlanBuilder, encoder: ImageEncoder, cameras: number, x: FeatureMap, features: Tensor): void {
  const { shape } = encoder;
  const width = encoderFeatures(shape);
  const isPicture = x.channels === 3 && x.height === shape.height && x.width === shape.width;
  if (
    !isPicture ||
    x.batch % cameras !== 0 ||
    cameras % shape.encoders !== 0 ||
    features.batch !== x.batch ||
    features.channels !== width
  ) {
    throw new TypeError(
      `image encoder: ${shape.encoders} encoders for pictures 3x${shape.height}x${shape.width} of ${cameras} cameras, ${width} features; ` +
        `x is ${x.batch}x${x.channels}x${x.height}x${x.width}, features are ${features.batch}x${features.channels}`,
    );
  }
  const recording: Recording = { builder, maps: new MapPool(builder), cameras };
  probeCameras(recording, 'input', x);
  let map = recordStem(recording, encoder, x);
  for (const { name, blocks } of encoder.stages) {
    for (const block of blocks) map = recordBlock(recording, block, map);
    probeCameras(recording, name, map);
  }
  // A few pixels, which the spatial softmax reads once.
  const keypoints = recordConv(recording, encoder.nets, encoder.netsFinish, map, { label: 'keypoint maps', relu: false, place: 'buffer' });
  const points = tokens(builder, 'keypoints', x.batch, 1, width);
  recordSpatialSoftmax(builder, encoder.grid, shape.encoders, keypoints, points);
  probeTokens(recording, 'pool', points);
  recordOut(recording, encoder, points, features);
}

function recordStem(recording: Recording, encoder: ImageEncoder, x: FeatureMap): FeatureMap {
  const { builder, maps } = recording;
  const { stem, bareStem } = encoder;
  const bare = (convolved: FeatureMap | PartialMaps): void => {
    if (!wantsProbe(recording, 'backbone.0')) return;
    const map = maps.take('backbone.0', convolved);
    recordFinishMap(builder, bareStem, { x: convolved, y: map, relu: false });
    probeCameras(recording, 'backbone.0', map);
    maps.giveBack(map);
  };
  const normed = recordConvNorm(recording, stem, x, { label: 'backbone.1', relu: false, onConvolved: bare });
  if (!stem.isGroupNorm) bare(normed);
  probeCameras(recording, 'backbone.1', normed);
  const pooled = maps.take('backbone.3', { ...normed, height: poolOutput(normed.height), width: poolOutput(normed.width) });
  recordMaxPool(builder, normed, pooled);
  maps.giveBack(normed);
  probeCameras(recording, 'backbone.3', pooled);
  return pooled;
}

/** Records y = relu(norm(convN(… relu(norm(conv1(x))))) + shortcut(x)), and gives x back. */
function recordBlock(recording: Recording, block: ResidualBlock, x: FeatureMap): FeatureMap {
  const { name, convolutions, downsample } = block;
  let inner = x;
  convolutions.slice(0, -1).forEach((conv, i) => {
    const next = recordConvNorm(recording, conv, inner, { label: `${name}.conv${i + 1}`, relu: true });
    if (inner !== x) recording.maps.giveBack(inner);
    inner = next;
  });
  const shortcut = downsample ? recordConvNorm(recording, downsample, x, { label: `${name}.downsample`, relu: false }) : x;
  const y = recordConvNorm(recording, convolutions.at(-1) as ConvNorm, inner, { label: name, relu: true, residual: shortcut });
  for (const read of new Set([inner, shortcut, x])) recording.maps.giveBack(read);
  return y;
}

interface ConvOptions {
  readonly label: string;
  readonly relu: boolean;
  readonly residual?: FeatureMap;
  /** Of what is left; default where the device reads maps fastest. */
  readonly place?: MapPlace;
  /** Given what the convolution leaves, where a group norm follows. */
  readonly onConvolved?: (convolved: FeatureMap | PartialMaps) => void;
}

/** Records y = relu(norm(conv(x)) + residual). */
function recordConvNorm(recording: Recording, unit: ConvNorm, x: FeatureMap, options: ConvOptions): FeatureMap {
  if (!unit.isGroupNorm) return recordConv(recording, unit.conv, unit.finish, x, options);
  const { builder, maps } = recording;
  const { label, relu, residual, place, onConvolved } = options;
  const shape = outputShape(unit.conv, x);
  const splits = splitsOf(recording, unit.conv, x, shape);
  const y = maps.take(label, shape, place);
  if (splits > 1 && !isWinograd(unit.conv)) {
    const sums = partialMaps(builder, `${label} sums`, { ...shape, splits });
    recordConv2d(builder, unit.conv, { x, y: sums });
    onConvolved?.(sums);
    recordFinishMap(builder, unit.finish, { x: sums, y, residual, relu });
    return y;
  }
  const convolved = maps.take(`${label} conv`, shape);
  convolve(recording, unit.conv, { x, y: convolved });
  onConvolved?.(convolved);
  recordFinishMap(builder, unit.finish, { x: convolved, y, residual, relu });
  maps.giveBack(convolved);
  return y;
}

/** Records y = relu(conv(x) + bias + residual); `finish` has the bias too. */
function recordConv(
  recording: Recording,
  conv: Conv2dWeights | WinogradWeights,
  finish: MapNorm,
  x: FeatureMap,
  options: ConvOptions,
): FeatureMap {
  const { builder, maps } = recording;
  const { label, relu, residual, place } = options;
  const shape = outputShape(conv, x);
  const splits = splitsOf(recording, conv, x, shape);
  const y = maps.take(label, shape, place);
  if (splits > 1 && !isWinograd(conv)) {
    const sums = partialMaps(builder, `${label} sums`, { ...shape, splits });
    recordConv2d(builder, conv, { x, y: sums });
    recordFinishMap(builder, finish, { x: sums, y, residual, relu });
  } else {
    convolve(recording, conv, { x, y, residual, relu });
  }
  return y;
}

/** Records y = relu(conv(x) + bias + residual), whichever way. */
function convolve({ builder, maps }: Recording, conv: Conv2dWeights | WinogradWeights, call: Conv2dCall): void {
  if (!isWinograd(conv)) {
    recordConv2d(builder, conv, call);
    return;
  }
  const [patchShape, productShape] = winogradMaps(conv, call.x);
  // Patches are stored once and read once: what a texture saves the reader, it costs the writer.
  const patches = maps.take('winograd', patchShape, 'buffer');
  const products = maps.take('winograd', productShape);
  recordWinograd(builder, conv, { ...call, patches, products });
  maps.giveBack(patches);
  maps.giveBack(products);
}

function outputShape({ layer }: Pick<Conv2dWeights, 'layer'>, x: FeatureMap): Omit<FeatureMap, 'buffer'> {
  return { batch: x.batch, channels: layer.outChannels, height: conv2dOutput(layer, x.height), width: conv2dOutput(layer, x.width) };
}

function splitsOf({ builder }: Recording, conv: Conv2dWeights | WinogradWeights, x: FeatureMap, y: Omit<FeatureMap, 'buffer'>): number {
  if (isWinograd(conv)) return 1;
  return chooseConv2dSplits({ layer: conv.layer, outPixels: y.height * y.width, frames: x.batch / conv.encoders }, builder);
}

/** Records the last linear layer, of each encoder for its own samples. */
function recordOut(recording: Recording, { out, shape }: ImageEncoder, points: Tensor, features: Tensor): void {
  const { builder } = recording;
  const samples = points.batch / shape.encoders;
  const own = (tensor: Tensor, encoder: number): Tensor => ({
    ...tensor,
    batch: samples,
    layout: { ...tensor.layout, offset: tensor.layout.offset + encoder * samples * tensor.layout.batchStride },
  });
  out.forEach((weights, encoder) => {
    recordConv1d(builder, weights, { x: own(points, encoder), y: own(features, encoder), outActivation: 'relu' });
  });
  if (!wantsProbe(recording, 'out')) return;
  const linear = tokens(builder, 'features before ReLU', points.batch, 1, points.channels);
  out.forEach((weights, encoder) => recordConv1d(builder, weights, { x: own(points, encoder), y: own(linear, encoder) }));
  probeTokens(recording, 'out', linear);
}

function probeName(camera: number, stage: string): string {
  return `encoder.${camera}.${stage}`;
}

function wantsProbe({ builder, cameras }: Recording, stage: string): boolean {
  return Array.from({ length: cameras }, (_, camera) => probeName(camera, stage)).some((name) => builder.wantsProbe(name));
}

/** The part of a map that belongs to each camera. */
function probeCameras({ builder, cameras }: Recording, stage: string, map: FeatureMap): void {
  const bytes = (mapElements(map) * 4) / cameras;
  for (let camera = 0; camera < cameras; camera++) builder.probe(probeName(camera, stage), map.buffer, [{ offset: camera * bytes, bytes }]);
}

function probeTokens({ builder, cameras }: Recording, stage: string, { buffer, batch, channels }: Tensor): void {
  const bytes = (batch * channels * 4) / cameras;
  for (let camera = 0; camera < cameras; camera++) builder.probe(probeName(camera, stage), buffer, [{ offset: camera * bytes, bytes }]);
}
