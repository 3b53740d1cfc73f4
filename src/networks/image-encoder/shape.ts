import type { Conv2dLayer } from '../../../kernels/conv/conv2d-shape.js';
import { conv2dOutput } from '../../ops/conv2d.js';
import { poolOutput } from '../../ops/feature-maps.js';
import { BACKBONES, type ImageEncoderShape } from '../../spec/network-shapes.js';

/** A convolution without bias and the norm after it, by their names behind the encoder's prefix. */
export interface ConvNormShape {
  readonly conv: string;
  readonly norm: string;
  readonly layer: Conv2dLayer;
}

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

/** The first convolution; ReLU and max pool follow. */
export const STEM: ConvNormShape = {
  conv: 'backbone.0',
  norm: 'backbone.1',
  layer: { inChannels: 3, outChannels: STEM_CHANNELS, kernelSize: 7, stride: 2, padding: 3 },
};

function convNorm(conv: string, norm: string, inChannels: number, outChannels: number, kernelSize: number, stride: number): ConvNormShape {
  return { conv, norm, layer: { inChannels, outChannels, kernelSize, stride, padding: kernelSize >> 1 } };
}

/** The four stages of the backbone. */
export function encoderStages({ backbone }: Pick<ImageEncoderShape, 'backbone'>): StageShape[] {
  let channels = STEM_CHANNELS;
  return BACKBONES[backbone].map((count, stage) => {
    const width = STEM_CHANNELS << stage;
    const name = `backbone.${4 + stage}`;
    const blocks = Array.from({ length: count }, (_, block): BasicBlockShape => {
      const at = `${name}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inChannels = block === 0 ? channels : width;
      return {
        name: at,
        conv1: convNorm(`${at}.conv1`, `${at}.bn1`, inChannels, width, 3, stride),
        conv2: convNorm(`${at}.conv2`, `${at}.bn2`, width, width, 3, 1),
        downsample: stride === 1 ? undefined : convNorm(`${at}.downsample.0`, `${at}.downsample.1`, inChannels, width, 1, stride),
      };
    });
    channels = width;
    return { name, blocks };
  });
}

/** Channels that the backbone ends with. */
export const BACKBONE_CHANNELS = STEM_CHANNELS << 3;

/** Height and width of the keypoint maps: rows of `pool.pos_grid`. */
export function keypointMapSize(shape: ImageEncoderShape): readonly [number, number] {
  const last = (size: number): number => {
    let side = poolOutput(conv2dOutput(STEM.layer, size));
    for (const { blocks } of encoderStages(shape)) for (const { conv1 } of blocks) side = conv2dOutput(conv1.layer, side);
    return side;
  };
  return [last(shape.height), last(shape.width)];
}

/** Features of one picture. */
export function encoderFeatures({ keypoints }: Pick<ImageEncoderShape, 'keypoints'>): number {
  return 2 * keypoints;
}
