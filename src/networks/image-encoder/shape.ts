import type { Conv2dLayer } from '../../../kernels/conv/conv2d-shape.js';
import { conv2dOutput } from '../../ops/conv2d.js';
import { poolOutput } from '../../ops/feature-maps.js';
import { BACKBONES, type ImageEncoderShape } from '../../spec/network-shapes.js';

/** A convolution without bias and the norm after it, by their names behind the encoder's prefix. */
export interface ConvNormShape {
  readonly conv: string;
  readonly norm: string;
  readonly layer: Conv2dLayer;
  /** Of what the convolution makes. */
  readonly height: number;
  readonly width: number;
}

type Sides = Pick<ConvNormShape, 'height' | 'width'>;

/** A basic block: relu(conv2(relu(conv1(x))) + shortcut(x)), each with its norm. */
export interface BasicBlockShape {
  readonly name: string;
  readonly conv1: ConvNormShape;
  readonly conv2: ConvNormShape;
  /** Where the channels or the sides change. */
  readonly downsample: ConvNormShape | undefined;
}

export interface StageShape {
  /** E.g. `backbone.4`. */
  readonly name: string;
  readonly blocks: readonly BasicBlockShape[];
}

const STEM_CHANNELS = 64;

/** A convolution over a map of these sides. */
function convNorm(conv: string, norm: string, layer: Omit<Conv2dLayer, 'padding'>, sides: Sides): ConvNormShape {
  const padded = { ...layer, padding: layer.kernelSize >> 1 };
  return { conv, norm, layer: padded, height: conv2dOutput(padded, sides.height), width: conv2dOutput(padded, sides.width) };
}

/** The first convolution; ReLU and max pool follow. */
export function encoderStem({ height, width }: Sides): ConvNormShape {
  return convNorm('backbone.0', 'backbone.1', { inChannels: 3, outChannels: STEM_CHANNELS, kernelSize: 7, stride: 2 }, { height, width });
}

/** The four stages of the backbone, for pictures of the encoder's sides. */
export function encoderStages(shape: Pick<ImageEncoderShape, 'backbone'> & Sides): StageShape[] {
  const stem = encoderStem(shape);
  let channels = STEM_CHANNELS;
  let sides: Sides = { height: poolOutput(stem.height), width: poolOutput(stem.width) };
  return BACKBONES[shape.backbone].map((count, stage) => {
    const width = STEM_CHANNELS << stage;
    const name = `backbone.${4 + stage}`;
    const blocks = Array.from({ length: count }, (_, block): BasicBlockShape => {
      const at = `${name}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const first = { inChannels: channels, outChannels: width, stride };
      const conv1 = convNorm(`${at}.conv1`, `${at}.bn1`, { ...first, kernelSize: 3 }, sides);
      const downsample =
        stride === 1 ? undefined : convNorm(`${at}.downsample.0`, `${at}.downsample.1`, { ...first, kernelSize: 1 }, sides);
      channels = width;
      sides = conv1;
      const second = { inChannels: width, outChannels: width, stride: 1, kernelSize: 3 };
      return { name: at, conv1, conv2: convNorm(`${at}.conv2`, `${at}.bn2`, second, sides), downsample };
    });
    return { name, blocks };
  });
}

/** Channels that the backbone ends with. */
export const BACKBONE_CHANNELS = STEM_CHANNELS << 3;

/** Height and width of the keypoint maps: rows of `pool.pos_grid`. */
export function keypointMapSize(shape: ImageEncoderShape): readonly [number, number] {
  const last = encoderStages(shape).at(-1)?.blocks.at(-1);
  if (!last) throw new TypeError(`${shape.backbone} has no blocks`);
  return [last.conv2.height, last.conv2.width];
}

/** Features of one picture. */
export function encoderFeatures({ keypoints }: Pick<ImageEncoderShape, 'keypoints'>): number {
  return 2 * keypoints;
}
