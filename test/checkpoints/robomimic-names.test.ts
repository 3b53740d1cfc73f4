import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { CAMERAS, imagePolicy } from '../support/image-policy.js';
import { type RobomimicChange, robomimicPolicy, valuesTensor } from '../support/robomimic-policy.js';

const load = async (change?: RobomimicChange): Promise<PolicyCheckpoint> => loadPolicyCheckpoint(await robomimicPolicy(change));

async function refusal(change: RobomimicChange): Promise<Error> {
  const found: unknown = await load(change).catch((error: unknown) => error);
  if (!(found instanceof Error)) throw new Error('the checkpoint was accepted');
  return found;
}

const renamed = (change: (name: string) => string): RobomimicChange => ({
  tensors: (tensors) => tensors.map((tensor) => ({ ...tensor, name: change(tensor.name) })),
});
const features = (change: (inputs: Record<string, object>) => object): RobomimicChange => ({
  config: (before) => ({ ...before, input_features: change(before['input_features'] as Record<string, object>) }),
});

describe('images in a Diffusion Policy checkpoint', () => {
  it('are read: pictures before the state, each camera with its encoder, under LeRobot names', async () => {
    const { observations, encoders, warnings, parameters, dialect } = await load();
    const lerobot = await loadPolicyCheckpoint(imagePolicy());
    expect(dialect).toBe('diffusion-policy');
    expect(warnings).toEqual([]);
    expect(observations.map(({ name }) => name)).toEqual([...CAMERAS, 'observation.state']);
    expect([...observations[2]!.normalizer.multiply]).toEqual([1, 1]);
    expect(encoders?.prefixes).toEqual(['rgb_encoder.0.', 'rgb_encoder.1.']);
    for (const name of lerobot.encoders!.weights.names()) {
      const own = name.replace('rgb_encoder.', 'rgb_encoder.1.');
      expect(encoders!.weights.shape(own)).toEqual(lerobot.encoders!.weights.shape(name));
      if (name.includes('layer') || /backbone\.[567]/.test(name)) continue;
      expect((await encoders!.weights.readFloats(own)).slice()).toEqual((await lerobot.encoders!.weights.readFloats(name)).slice());
    }
    // The second camera has an encoder of its own.
    expect(parameters).toBe(lerobot.parameters + 11_176_512 + 3 * 512 + 3 + 36 + 6);
    expect(encoders!.weights.locate('rgb_encoder.1.backbone.0.weight')).toBe(
      'tensor "obs_encoder.obs_nets.wrist_image.backbone.nets.0.weight" in model.safetensors',
    );
  });

  it('may be there only inside of nets, as a file without doubled tensors has them', async () => {
    const { encoders, warnings } = await load({
      tensors: (tensors) => tensors.filter(({ name }) => !/^obs_encoder\.obs_nets\.\w+\.(backbone\.|pool\.(nets|pos))/.test(name)),
    });
    expect(warnings).toEqual([]);
    expect(encoders!.weights.shape('rgb_encoder.0.pool.pos_grid')).toEqual([4, 2]);
  });

  it('share one scale among their channels, as Diffusion Policy writes it', async () => {
    const { observations } = await load({
      tensors: (tensors) =>
        tensors.map((tensor) => {
          const [, part] = /^normalizer\.params_dict\.left\.(scale|offset)$/.exec(tensor.name) ?? [];
          return part === undefined ? tensor : valuesTensor(tensor.name, [1], [part === 'scale' ? 2 : -1]);
        }),
    });
    expect([...observations[0]!.normalizer.multiply]).toEqual([2, 2, 2]);
    expect([...observations[0]!.normalizer.add]).toEqual([-1, -1, -1]);
  });

  it.each<[string, RobomimicChange, new (message: string) => Error, string | RegExp]>([
    [
      'another kind of encoder',
      renamed((name) => name.replace('obs_encoder.obs_nets.', 'obs_encoder.key_model_map.')),
      UnsupportedCheckpointError,
      'only those of its hybrid workspaces are supported',
    ],
    [
      'a camera without an encoder',
      renamed((name) => name.replace('wrist_image', 'other')),
      CheckpointError,
      /KEY "wrist_image", .*found "left", "other"/,
    ],
    [
      'one encoder for all cameras',
      { config: (before) => ({ ...before, use_separate_rgb_encoder_per_camera: false }) },
      CheckpointError,
      'expected use_separate_rgb_encoder_per_camera true for 2 images',
    ],
    [
      'a temperature',
      { tensors: (all) => all.map((one) => (one.name.endsWith('left.pool.temperature') ? valuesTensor(one.name, [1], [0.5]) : one)) },
      UnsupportedCheckpointError,
      'expected a spatial softmax of temperature 1, found 0.5',
    ],
    [
      'positions of another size',
      { tensors: (all) => all.map((one) => (/left.*pos_y$/.test(one.name) ? valuesTensor(one.name, [1, 3], [0, 0, 0]) : one)) },
      CheckpointError,
      /obs_nets\.left\.pool\.pos_x" in model\.safetensors: expected shape \[4,2\]/,
    ],
    [
      'a state whose parts are too few',
      features((inputs) => ({ ...inputs, 'observation.state': { type: 'STATE', shape: [2], keys: ['position'] } })),
      CheckpointError,
      'the keys "position" of feature "observation.state" must have its 2 values together, found 1 = 1',
    ],
    [
      'a part of the state that is not there',
      features((inputs) => ({ ...inputs, 'observation.state': { type: 'STATE', shape: [2], keys: ['position', 'speed'] } })),
      CheckpointError,
      'with <key> "speed", found none',
    ],
    [
      'no image in config.json',
      features(({ 'observation.state': state }) => ({ 'observation.state': state })),
      CheckpointError,
      /found the tensor "obs_encoder\.obs_nets\.left.* of an image encoder, expected none/,
    ],
  ])('are refused with %s', async (_, change, kind, message) => {
    const error = await refusal(change);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
  });
});
