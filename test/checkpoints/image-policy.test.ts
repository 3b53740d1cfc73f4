import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { CAMERAS, FRAME_WIDTH, type ImagePolicyChange, imagePolicy, STATISTICS } from '../support/image-policy.js';

function read(change?: ImagePolicyChange): Promise<PolicyCheckpoint> {
  return loadPolicyCheckpoint(imagePolicy(change));
}

async function refusal(change: ImagePolicyChange): Promise<Error> {
  const found: unknown = await read(change).catch((error: unknown) => error);
  if (!(found instanceof Error)) throw new Error('the checkpoint was accepted');
  return found;
}

/** The same with other keys in config.json. */
function config(keys: Record<string, unknown>): ImagePolicyChange {
  return { config: (before) => ({ ...before, ...keys }) };
}

describe('a checkpoint with images', () => {
  it('is read: features in the order of the conditioning vector, statistics of channels, the encoder', async () => {
    const { observations, images, unet, encoders, warnings, parameters } = await read();
    expect(observations.map(({ kind, name, size }) => [kind, name, size])).toEqual([
      ['vector', 'observation.state', 2],
      ['image', CAMERAS[0], 6],
      ['image', CAMERAS[1], 6],
    ]);
    expect(unet.conditioningDim).toBe(2 * FRAME_WIDTH);
    expect(images).toEqual({
      frame: [36, 47],
      resize: undefined,
      crop: [33, 40],
      isSeparate: false,
      encoder: { backbone: 'resnet18', norm: 'group', keypoints: 3, encoders: 1, height: 33, width: 40 },
    });
    STATISTICS.forEach(({ mean, std }, camera) => {
      const { normalizer } = observations[1 + camera]!;
      expect(normalizer.mode).toBe('mean-std');
      expect(normalizer.subtract).toEqual(Float32Array.from(mean));
      expect(normalizer.divide).toEqual(Float32Array.from(std, (value) => Math.fround(value) + Math.fround(1e-8)));
    });
    expect(encoders?.prefixes).toEqual(['rgb_encoder.']);
    expect(encoders?.weights.shape('rgb_encoder.pool.nets.weight')).toEqual([3, 512, 1, 1]);
    expect(warnings).toEqual([]);
    // The backbone of ResNet-18, keypoint maps, the last layer, and the U-Net.
    const encoder = 11_176_512 + 3 * 512 + 3 + 36 + 6;
    expect(parameters).toBeGreaterThan(encoder);
    expect(parameters).toBeLessThan(encoder + 100_000);
  });

  it('has its environment state after the images', async () => {
    const { observations } = await read({
      config: ({ input_features: inputs, ...rest }) => ({
        ...rest,
        input_features: { 'observation.environment_state': { type: 'ENV', shape: [1] }, ...(inputs as object) },
      }),
      environment: 1,
    });
    expect(observations.map(({ name }) => name)).toEqual(['observation.state', ...CAMERAS, 'observation.environment_state']);
  });

  it('may be of 2024: shapes by name', async () => {
    const image = [3, 36, 47];
    const { dialect, images } = await read({
      config: ({ type: _, input_features: _inputs, output_features: _outputs, normalization_mapping: _modes, ...rest }) => ({
        ...rest,
        input_shapes: { 'observation.state': [2], [CAMERAS[0]]: image, [CAMERAS[1]]: image },
        output_shapes: { action: [2] },
        input_normalization_modes: { 'observation.state': 'min_max', [CAMERAS[0]]: 'mean_std', [CAMERAS[1]]: 'mean_std' },
        output_normalization_modes: { action: 'min_max' },
      }),
    });
    expect([dialect, images?.encoder.keypoints]).toEqual(['A', 3]);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['no crop', { crop_shape: null }, { crop: undefined, resize: undefined, encoder: { height: 36, width: 47 } }],
    ['a resize', { resize_shape: [34, 50], crop_ratio: 1 }, { resize: [34, 50], crop: undefined, encoder: { height: 34, width: 50 } }],
    [
      'a resize and a crop, rounded down',
      { resize_shape: [36, 48], crop_ratio: 0.9 },
      { resize: [36, 48], crop: [32, 43], encoder: { height: 32, width: 43 } },
    ],
    ['a ratio without resize, which means nothing', { crop_ratio: 0.5 }, { crop: [33, 40], resize: undefined }],
  ])('with %s', async (_, keys, expected) => {
    const { images } = await read({ ...config(keys), fits: true });
    expect(images).toMatchObject(expected);
  });

  it('has an encoder for each camera, also where there is one', async () => {
    const { encoders } = await read({ ...config({ use_separate_rgb_encoder_per_camera: true }), fits: true });
    expect(encoders?.prefixes).toEqual(['rgb_encoder.0.', 'rgb_encoder.1.']);
  });

  it('may have batch norm, ResNet-34, and names that torch.compile left', async () => {
    const { images, encoders, warnings } = await read({
      ...config({ use_group_norm: false, vision_backbone: 'resnet34' }),
      fits: true,
      rename: (name) => name.replace('rgb_encoder.', 'rgb_encoder._orig_mod.'),
    });
    expect(images?.encoder).toMatchObject({ backbone: 'resnet34', norm: 'batch' });
    expect(encoders?.weights.shape('rgb_encoder.backbone.6.5.bn2.running_var')).toEqual([256]);
    expect(warnings).toEqual([]);
  });

  it('warns of tensors that nothing reads', async () => {
    const { warnings } = await read({ more: { 'diffusion.rgb_encoder.backbone.fc.weight': [2, 2] } });
    expect(warnings).toEqual(['model.safetensors: 1 tensors are not used: "diffusion.rgb_encoder.backbone.fc.weight".']);
  });

  it.each<[string, ImagePolicyChange, RegExp, typeof CheckpointError]>([
    [
      "a backbone that is none of torchvision's",
      config({ vision_backbone: 'resnet200' }),
      /"vision_backbone" "resnet200" is not supported/,
      UnsupportedCheckpointError,
    ],
    [
      'group norm in the configuration of batch norm',
      { ...config({ use_group_norm: false }) },
      /running_mean.*found no such tensor/,
      CheckpointError,
    ],
    [
      'batch norm in the configuration of group norm',
      { more: { 'diffusion.rgb_encoder.backbone.1.running_mean': [64] } },
      /running_mean.*expected use_group_norm false/,
      CheckpointError,
    ],
    [
      'one encoder in place of several',
      config({ use_separate_rgb_encoder_per_camera: true }),
      /expected use_separate_rgb_encoder_per_camera false/,
      CheckpointError,
    ],
    [
      'several encoders in place of one',
      { more: { 'diffusion.rgb_encoder.0.backbone.0.weight': [64, 3, 7, 7] } },
      /expected use_separate_rgb_encoder_per_camera true/,
      CheckpointError,
    ],
    [
      'other keypoints',
      config({ spatial_softmax_num_keypoints: 4 }),
      /pool\.nets\.weight.*expected shape \[4,512,1,1\].*spatial_softmax_num_keypoints/,
      CheckpointError,
    ],
    [
      'another crop',
      config({ crop_shape: [20, 20] }),
      /pool\.pos_grid.*expected shape \[1,2\].*20×20.*found shape \[4,2\]/,
      CheckpointError,
    ],
    [
      'a crop that does not fit',
      config({ crop_shape: [40, 40] }),
      /"crop_shape" must fit into the images of 36×47 pixels, found 40×40/,
      CheckpointError,
    ],
    ['half a crop', config({ crop_shape: [40] }), /"crop_shape" must be null or a list of height and width/, CheckpointError],
    [
      'a ratio above 1',
      config({ resize_shape: [36, 48], crop_ratio: 1.5 }),
      /"crop_ratio" must be a number above 0 and below 1/,
      CheckpointError,
    ],
  ])('is refused with %s', async (_, change, message, kind) => {
    const error = await refusal(change);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
  });

  it.each<[string, readonly number[], RegExp]>([
    ['four channels', [4, 36, 47], /must have shape \[3, height, width\], found \[4,36,47\]/],
    ['channels last', [36, 47, 3], /must have shape \[3, height, width\]/],
    ['another size than the first', [3, 36, 48], /all images must have the shape of "observation\.images\.left"/],
    ['no side', [3, 0, 47], /must be a list of integers from 1/],
    ['sides of no camera', [3, 10_000, 10_000], /sides of at most 8192/],
  ])('is refused where an image has %s', async (_, shape, message) => {
    const error = await refusal({
      config: (before) => ({
        ...before,
        input_features: { ...(before['input_features'] as object), [CAMERAS[1]]: { type: 'VISUAL', shape } },
      }),
    });
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(message);
  });

  it('is refused with statistics of another shape', async () => {
    const error = await refusal({ statisticsShape: [1, 3, 1] });
    expect(error.message).toMatch(
      /buffer_observation_images_right\.std": expected shape \[3\] or \[3,1,1\] for a feature of as many channels/,
    );
  });
});
