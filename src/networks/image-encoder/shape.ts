import type { Conv2dLayer } from '../../../kernels/conv/conv2d-shape.js';
import { conv2dOutput } from '../../ops/conv2d.js';
import { poolOutput } from '../../ops/feature-maps.js';
import { BACKBONES, blockExpansion, type ImageEncoderShape } from '../../spec/network-shapes.js';

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

/** A residual block: relu(convN(… relu(conv1(x))) + shortcut(x)), each with its norm: two 3×3, or as a bottleneck 1×1, 3×3 and 1×1. */
export interface BlockShape {
  readonly name: string;
  readonly conv1: ConvNormShape;
  readonly conv2: ConvNormShape;
  /** Of a bottleneck. */
  readonly conv3: ConvNormShape | undefined;
  /** Where the channels or the sides change. */
  readonly downsample: ConvNormShape | undefined;
}

export interface StageShape {
  /** E.g. `backbone.4`. */
  readonly name: string;
  readonly blocks: readonly BlockShape[];
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
  const expansion = blockExpansion(shape.backbone);
  let channels = STEM_CHANNELS;
  let sides: Sides = { height: poolOutput(stem.height), width: poolOutput(stem.width) };
  return BACKBONES[shape.backbone].map((count, stage) => {
    const inner = STEM_CHANNELS << stage;
    const width = inner * expansion;
    const name = `backbone.${4 + stage}`;
    const blocks = Array.from({ length: count }, (_, block): BlockShape => {
      const at = `${name}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const downsample =
        stride === 1 && channels === width
          ? undefined
          : convNorm(
              `${at}.downsample.0`,
              `${at}.downsample.1`,
              { inChannels: channels, outChannels: width, stride, kernelSize: 1 },
              sides,
            );
      const layers = (expansion === 1 ? basicLayers : bottleneckLayers)(channels, inner, stride);
      const [conv1, conv2, conv3] = layers.map((layer, i) => {
        const unit = convNorm(`${at}.conv${i + 1}`, `${at}.bn${i + 1}`, layer, sides);
        sides = unit;
        return unit;
      }) as [ConvNormShape, ConvNormShape, ConvNormShape?];
      channels = width;
      return { name: at, conv1, conv2, conv3, downsample };
    });
    return { name, blocks };
  });
}

type Layer = Omit<Conv2dLayer, 'padding'>;

function basicLayers(inChannels: number, inner: number, stride: number): readonly Layer[] {
  return [
    { inChannels, outChannels: inner, stride, kernelSize: 3 },
    { inChannels: inner, outChannels: inner, stride: 1, kernelSize: 3 },
  ];
}

/** torchvision's, whose 3×3 has the stride. */
function bottleneckLayers(inChannels: number, inner: number, stride: number): readonly Layer[] {
  return [
    { inChannels, outChannels: inner, stride: 1, kernelSize: 1 },
    { inChannels: inner, outChannels: inner, stride, kernelSize: 3 },
    { inChannels: inner, outChannels: inner * blockExpansion('resnet50'), stride: 1, kernelSize: 1 },
  ];
}

/** Inner channels of the last stage. */
export const BACKBONE_CHANNELS = STEM_CHANNELS << 3;

/** Channels that the backbone ends with. */
export function backboneChannels({ backbone }: Pick<ImageEncoderShape, 'backbone'>): number {
  return BACKBONE_CHANNELS * blockExpansion(backbone);
}

/** Height and width of the keypoint maps: rows of `pool.pos_grid`. */
export function keypointMapSize(shape: ImageEncoderShape): readonly [number, number] {
  const last = encoderStages(shape).at(-1)?.blocks.at(-1);
  if (!last) throw new TypeError(`${shape.backbone} has no blocks`);
  const { height, width } = last.conv2;
  return [height, width];
}

/** Features of one picture. */
export function encoderFeatures({ keypoints }: Pick<ImageEncoderShape, 'keypoints'>): number {
  return 2 * keypoints;
}
