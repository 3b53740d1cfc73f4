import { CheckpointError } from '../../foundation/errors.js';
import { BACKBONES, type Backbone } from '../../spec/network-shapes.js';
import type { ImageInputs, Sides } from '../../spec/policy-spec.js';
import { type JsonObject, shown } from '../json-object.js';
import { isRecent } from './era.js';
import type { FileFeature } from './features.js';

/** LeRobot's crop before May 2026, when the key is older than the file. */
const OLD_CROP: Sides = [84, 84];

/**
 * What config.json says of how images become features (LeRobot's DiffusionConfig and DiffusionRgbEncoder); some feature is an image.
 */
export function readImageInputs(config: JsonObject, features: readonly FileFeature[]): ImageInputs {
  const images = features.flatMap(({ sides }) => (sides === undefined ? [] : [sides]));
  const frame = images[0] as Sides;
  const resize = config.isNull('resize_shape') ? undefined : readSides(config, 'resize_shape');
  const crop = readCrop(config, frame, resize);
  const [height, width] = crop ?? resize ?? frame;
  const isSeparate = config.boolean('use_separate_rgb_encoder_per_camera', isRecent(config));
  return {
    frame,
    resize,
    crop,
    isSeparate,
    encoder: {
      backbone: config.choice('vision_backbone', Object.keys(BACKBONES) as Backbone[], 'resnet18'),
      norm: config.boolean('use_group_norm', !isRecent(config)) ? 'group' : 'batch',
      keypoints: config.integer('spatial_softmax_num_keypoints', { fallback: 32, max: 1024 }),
      encoders: isSeparate ? images.length : 1,
      height,
      width,
    },
  };
}

/** With a resize the crop follows from the ratio, whatever `crop_shape` says. */
function readCrop(config: JsonObject, frame: Sides, resize: Sides | undefined): Sides | undefined {
  if (resize !== undefined) {
    const ratio = config.isNull('crop_ratio') || config.value('crop_ratio') === 1 ? 1 : config.number('crop_ratio', RATIO);
    // Python's int() of the product.
    const kept = (side: number): number => Math.trunc(side * ratio);
    const crop: Sides = [kept(resize[0]), kept(resize[1])];
    if (Math.min(...crop) < 1) config.fail('crop_ratio', `large enough to leave pixels of ${shown(resize)}`);
    return ratio < 1 ? crop : undefined;
  }
  const isOld = !config.has('crop_shape') && !isRecent(config);
  if (config.isNull('crop_shape') && !isOld) return undefined;
  const crop = isOld ? OLD_CROP : readSides(config, 'crop_shape');
  if (crop[0] > frame[0] || crop[1] > frame[1]) {
    throw new CheckpointError(
      `${config.where}: "crop_shape" must fit into the images of ${frame.join('×')} pixels, found ${crop.join('×')}` +
        `${isOld ? ', which it is where the key is missing' : ''}. Use config.json as training wrote it.`,
    );
  }
  return crop;
}

const RATIO = { fallback: 1, above: 0, below: 1 };

function readSides(config: JsonObject, key: string): Sides {
  const [height, width, ...more] = config.integers(key, { max: 8192 });
  if (height === undefined || width === undefined || more.length > 0) return config.fail(key, 'null or a list of height and width');
  return [height, width];
}
