import type { Conv2dLayer } from '../../../kernels/conv/conv2d-shape.js';
import { CheckpointError } from '../../foundation/errors.js';
import { type Conv1dWeights, loadLinear } from '../../ops/conv1d.js';
import { type Conv2dValues, type Conv2dWeights, uploadConv2d } from '../../ops/conv2d.js';
import { chooseUnitOrder, chooseWinograd } from '../../ops/conv2d-variants.js';
import { type MapNorm, uploadMapNorm } from '../../ops/feature-maps.js';
import { EPSILON } from '../../ops/norm.js';
import { roundVector, storageOf } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { uploadWinograd, type WinogradWeights } from '../../ops/winograd.js';
import type { ImageEncoderShape } from '../../spec/network-shapes.js';
import { backboneChannels, type ConvNormShape, encoderFeatures, encoderStages, encoderStem, keypointMapSize } from './shape.js';

/** Channels of a group of the group norms. */
const GROUP_CHANNELS = 16;

/** A convolution and its norm on the device. */
export interface ConvNorm {
  /** With batch norm, that is in weights and bias. */
  readonly conv: Conv2dWeights | WinogradWeights;
  /** The group norm; with batch norm the bias by itself, for where the convolution leaves partial sums. */
  readonly finish: MapNorm;
  readonly isGroupNorm: boolean;
}

export interface ResidualBlock {
  readonly name: string;
  /** Two, or three of a bottleneck. */
  readonly convolutions: readonly ConvNorm[];
  readonly downsample: ConvNorm | undefined;
}

export interface ImageEncoder {
  readonly shape: ImageEncoderShape;
  readonly stem: ConvNorm;
  /**
   * For the probe of the first convolution: takes a batch norm that was folded into it off again. Of a group norm, adds up partial sums
   * and does no more.
   */
  readonly bareStem: MapNorm;
  readonly stages: readonly { readonly name: string; readonly blocks: readonly ResidualBlock[] }[];
  /** To keypoint maps. */
  readonly nets: Conv2dWeights;
  readonly netsFinish: MapNorm;
  /** f32 [encoder][positions][2]. */
  readonly grid: GPUBuffer;
  /** The last linear layer of each encoder. */
  readonly out: readonly Conv1dWeights[];
}

/** Scale and shift that a batch norm comes to, in float64. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * Brings the image encoders to the device. `prefixes`: what the names of each encoder's tensors begin with, e.g. `rgb_encoder.` for
 * a shared one, `rgb_encoder.0.`, `rgb_encoder.1.` for two cameras.
 */
export async function loadImageEncoder(loader: WeightLoader, shape: ImageEncoderShape, prefixes: readonly string[]): Promise<ImageEncoder> {
  if (prefixes.length !== shape.encoders) {
    throw new TypeError(`expected the prefixes of ${shape.encoders} image encoders, found ${prefixes.length}`);
  }
  const load = (unit: ConvNormShape): Promise<ConvNorm> => loadConvNorm(loader, prefixes, unit, shape.norm);
  const stem = await load(encoderStem(shape));
  const stages = [];
  for (const { name, blocks } of encoderStages(shape)) {
    const loaded: ResidualBlock[] = [];
    for (const block of blocks) {
      const convolutions: ConvNorm[] = [];
      for (const unit of [block.conv1, block.conv2, block.conv3]) if (unit) convolutions.push(await load(unit));
      loaded.push({ name: block.name, convolutions, downsample: block.downsample && (await load(block.downsample)) });
    }
    stages.push({ name, blocks: loaded });
  }
  const { keypoints } = shape;
  const netsLayer: Conv2dLayer = { inChannels: backboneChannels(shape), outChannels: keypoints, kernelSize: 1, stride: 1, padding: 0 };
  const nets = [];
  const grids = [];
  const [rows, columns] = keypointMapSize(shape);
  for (const prefix of prefixes) {
    nets.push({ weight: await read(loader, `${prefix}pool.nets.weight`), bias: await readRounded(loader, `${prefix}pool.nets.bias`) });
    const grid = await read(loader, `${prefix}pool.pos_grid`);
    if (grid.length !== rows * columns * 2) {
      throw new CheckpointError(
        `${loader.source.locate(`${prefix}pool.pos_grid`)}: expected ${rows * columns} positions for pictures of ${shape.height}×${shape.width}, ` +
          `found ${grid.length / 2}. The checkpoint was trained on pictures of another size: see crop_shape and resize_shape of config.json.`,
      );
    }
    grids.push(grid);
  }
  const out = [];
  for (const prefix of prefixes) out.push(await loadLinear(loader, `${prefix}out`, encoderFeatures(shape), encoderFeatures(shape)));
  const positions = new Float32Array(grids.length * rows * columns * 2);
  grids.forEach((grid, encoder) => positions.set(grid, encoder * grid.length));
  return {
    shape,
    stem,
    bareStem: await loadBare(loader, prefixes, encoderStem(shape), shape.norm),
    stages,
    nets: await uploadConv2d(loader, 'pool.nets', netsLayer, nets),
    netsFinish: await uploadBias(
      loader,
      'pool.nets',
      keypoints,
      nets.map(({ bias }) => bias),
    ),
    grid: await loader.uploader.uploadFloats('pool.pos_grid', positions),
    out,
  };
}

async function loadConvNorm(
  loader: WeightLoader,
  prefixes: readonly string[],
  unit: ConvNormShape,
  kind: ImageEncoderShape['norm'],
): Promise<ConvNorm> {
  const { norm, conv, layer } = unit;
  const { outChannels } = layer;
  if (kind === 'group') {
    const weights = [];
    const values = [];
    for (const prefix of prefixes) {
      weights.push({ weight: await read(loader, `${prefix}${conv}.weight`) });
      values.push({
        gamma: await readRounded(loader, `${prefix}${norm}.weight`),
        beta: await readRounded(loader, `${prefix}${norm}.bias`),
      });
    }
    return {
      conv: await uploadUnit(loader, unit, weights),
      finish: await uploadMapNorm(loader, norm, outChannels, GROUP_CHANNELS, values),
      isGroupNorm: true,
    };
  }
  const folded = [];
  for (const prefix of prefixes) {
    const { scale, shift } = await readBatchNorm(loader, `${prefix}${norm}`);
    const weight = await read(loader, `${prefix}${conv}.weight`);
    const row = weight.length / outChannels;
    for (let i = 0; i < weight.length; i++) weight[i] = (weight[i] as number) * (scale[Math.floor(i / row)] as number);
    folded.push({ weight, bias: Float32Array.from(shift) });
  }
  return {
    conv: await uploadUnit(loader, unit, folded),
    finish: await uploadBias(
      loader,
      norm,
      outChannels,
      folded.map(({ bias }) => bias),
    ),
    isGroupNorm: false,
  };
}

function uploadUnit(loader: WeightLoader, unit: ConvNormShape, values: readonly Conv2dValues[]): Promise<Conv2dWeights | WinogradWeights> {
  const { conv, layer } = unit;
  const { device } = loader.uploader;
  const storage = storageOf(loader.precision, layer.inChannels, layer.outChannels);
  const tile = chooseWinograd(layer, unit, storage, device.deviceClass);
  if (tile !== undefined) return uploadWinograd(loader, conv, layer, values, tile);
  return uploadConv2d(loader, conv, layer, values, chooseUnitOrder(layer, unit.height * unit.width, device));
}

/** y = (x − mean) / √(var + ε) · weight + bias as scale and shift. */
async function readBatchNorm(loader: WeightLoader, name: string): Promise<Affine> {
  const gamma = await read(loader, `${name}.weight`);
  const beta = await read(loader, `${name}.bias`);
  const mean = await read(loader, `${name}.running_mean`);
  const variance = await read(loader, `${name}.running_var`);
  const scale = Float64Array.from(gamma, (value, channel) => value / Math.sqrt((variance[channel] as number) + EPSILON));
  const shift = scale.map((value, channel) => (beta[channel] as number) - (mean[channel] as number) * value);
  return { scale, shift };
}

async function loadBare(
  loader: WeightLoader,
  prefixes: readonly string[],
  { norm, layer }: ConvNormShape,
  kind: ImageEncoderShape['norm'],
): Promise<MapNorm> {
  const values = [];
  for (const prefix of prefixes) {
    if (kind === 'group') {
      values.push({ gamma: new Float32Array(layer.outChannels).fill(1), beta: new Float32Array(layer.outChannels) });
      continue;
    }
    const { scale, shift } = await readBatchNorm(loader, `${prefix}${norm}`);
    const gamma = scale.map((value) => 1 / value);
    values.push({ gamma: Float32Array.from(gamma), beta: Float32Array.from(shift, (value, i) => -value * (gamma[i] as number)) });
  }
  return uploadMapNorm(loader, `${norm}, taken off`, layer.outChannels, undefined, values);
}

function uploadBias(loader: WeightLoader, label: string, channels: number, biases: readonly Float32Array[]): Promise<MapNorm> {
  const gamma = new Float32Array(channels).fill(1);
  return uploadMapNorm(
    loader,
    label,
    channels,
    undefined,
    biases.map((beta) => ({ gamma, beta })),
  );
}

/** A copy: the next read may overwrite what the source hands out. */
async function read(loader: WeightLoader, name: string): Promise<Float32Array> {
  return (await loader.source.readFloats(name)).slice();
}

async function readRounded(loader: WeightLoader, name: string): Promise<Float32Array> {
  const values = await read(loader, name);
  roundVector(loader, loader.source.locate(name), values);
  return values;
}
