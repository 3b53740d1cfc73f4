import { CheckpointError } from '../../foundation/errors.js';
import { BACKBONES, blockExpansion, type ImageEncoderShape } from '../../spec/network-shapes.js';
import { checkTensors, type ExpectedTensor, type NamedTensors } from '../named-tensors.js';
import { ENCODER } from './tensor-names.js';

/** Channels of the first convolution; every stage but the first doubles them. */
const STEM_CHANNELS = 64;
/** Convolutions and the pool that halve the sides, rounding up. */
const HALVINGS = 5;

/** What the names of each encoder's tensors begin with: one that all cameras share, or one for each. */
export function encoderPrefixes({ encoders }: ImageEncoderShape, isSeparate: boolean): string[] {
  return isSeparate ? Array.from({ length: encoders }, (_, camera) => `${ENCODER}${camera}.`) : [ENCODER];
}

/**
 * Every tensor of LeRobot's DiffusionRgbEncoder and its shape (policies/diffusion/modeling_diffusion.py, torchvision's ResNet), without
 * prefix. `learned`: left out are the buffers, which no training changes by gradients.
 */
export function encoderTensorShapes(shape: ImageEncoderShape, learned = false): Map<string, number[]> {
  const tensors = expectedTensors(shape, '');
  return new Map([...tensors].filter(([name]) => !learned || !isBuffer(name)).map(([name, expected]) => [name, [...expected.shape]]));
}

function isBuffer(name: string): boolean {
  return name.endsWith('pos_grid') || /running_(mean|var)$/.test(name);
}

/**
 * Checks the tensors of all encoders against the configuration. What a wrong config.json makes likely is looked for first: another
 * norm, and one encoder in place of several.
 */
export function checkEncoderTensors(weights: NamedTensors, shape: ImageEncoderShape, prefixes: readonly string[]): void {
  const isSeparate = prefixes[0] !== ENCODER;
  const other = `${isSeparate ? ENCODER : `${ENCODER}0.`}backbone.0.weight`;
  if (weights.shape(other) !== undefined) {
    throw new CheckpointError(
      `${weights.locate(other)}: expected use_separate_rgb_encoder_per_camera ${!isSeparate} for this tensor, found ${isSeparate} in ` +
        'config.json. Use config.json and model.safetensors of one training run.',
    );
  }
  const running = `${prefixes[0]}backbone.1.running_mean`;
  const hasRunning = weights.shape(running) !== undefined;
  if (hasRunning && shape.norm === 'group') {
    throw new CheckpointError(
      `${weights.locate(running)}: expected use_group_norm false for running statistics, found true in config.json. ` +
        'Use config.json and model.safetensors of one training run.',
    );
  }
  for (const prefix of prefixes) checkTensors(weights, expectedTensors(shape, prefix));
  const beyond = `${ENCODER}${prefixes.length}.backbone.0.weight`;
  if (isSeparate && weights.shape(beyond) !== undefined) {
    throw new CheckpointError(
      `${weights.locate(beyond)}: expected an encoder for each of the ${prefixes.length} images in config.json, found more. ` +
        'Use config.json and model.safetensors of one training run.',
    );
  }
}

function expectedTensors({ backbone, norm, keypoints, height, width }: ImageEncoderShape, prefix: string): Map<string, ExpectedTensor> {
  const expected = new Map<string, ExpectedTensor>();
  const add = (name: string, shape: readonly number[], because: string): void => void expected.set(prefix + name, { shape, because });
  const convNorm = (conv: string, named: string, weight: readonly number[]): void => {
    add(`${conv}.weight`, weight, 'vision_backbone');
    const parts = norm === 'group' ? ['weight', 'bias'] : ['weight', 'bias', 'running_mean', 'running_var'];
    for (const part of parts) add(`${named}.${part}`, [weight[0] as number], 'vision_backbone and use_group_norm');
  };
  convNorm('backbone.0', 'backbone.1', [STEM_CHANNELS, 3, 7, 7]);
  const expansion = blockExpansion(backbone);
  let inChannels = STEM_CHANNELS;
  BACKBONES[backbone].forEach((blocks, stage) => {
    const inner = STEM_CHANNELS << stage;
    const channels = inner * expansion;
    const side = expansion === 1 ? 3 : 1;
    for (let block = 0; block < blocks; block++) {
      const at = `backbone.${4 + stage}.${block}`;
      convNorm(`${at}.conv1`, `${at}.bn1`, [inner, inChannels, side, side]);
      convNorm(`${at}.conv2`, `${at}.bn2`, [inner, inner, 3, 3]);
      if (expansion > 1) convNorm(`${at}.conv3`, `${at}.bn3`, [channels, inner, 1, 1]);
      if (inChannels !== channels) convNorm(`${at}.downsample.0`, `${at}.downsample.1`, [channels, inChannels, 1, 1]);
      inChannels = channels;
    }
  });
  const points = 'spatial_softmax_num_keypoints';
  add('pool.nets.weight', [keypoints, inChannels, 1, 1], points);
  add('pool.nets.bias', [keypoints], points);
  const positions = halved(height) * halved(width);
  add('pool.pos_grid', [positions, 2], `images that the encoder sees as ${height}×${width}, after resize_shape and crop_shape`);
  add('out.weight', [2 * keypoints, 2 * keypoints], points);
  add('out.bias', [2 * keypoints], points);
  return expected;
}

function halved(side: number): number {
  return Math.ceil(side / 2 ** HALVINGS);
}
