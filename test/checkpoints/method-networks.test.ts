import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { MethodCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { f32, tensorsOf } from '../support/changed-checkpoint.js';
import { golden, goldenFiles, jsonOf } from '../support/folders.js';

interface Change {
  readonly config?: Record<string, unknown>;
  readonly tensors?: (tensors: WritableTensor[]) => WritableTensor[];
}

async function load(name: string, { config = {}, tensors = (same) => same }: Change = {}): Promise<MethodCheckpoint> {
  const files = goldenFiles(`methods/${name}/network`);
  files['config.json'] = JSON.stringify({ ...(jsonOf(files, 'config.json') as object), ...config });
  files['model.safetensors'] = encodeSafetensors(tensors(await tensorsOf(files, 'model.safetensors')));
  return loadMethodCheckpoint(memorySource('network', files));
}

const without =
  (name: string) =>
  (tensors: WritableTensor[]): WritableTensor[] =>
    tensors.filter((tensor) => tensor.name !== name);

describe("the folder of a method's network", () => {
  it('says what it is, and has tensors under one kind of name', async () => {
    const student = await load('cp-3step');
    expect(student.config).toMatchObject({
      type: 'consistency_policy',
      sigmaMin: 0.02,
      sigmaMax: 80,
      sigmaData: 0.5,
      rho: 7,
      bins: 80,
      clip: 1,
      chainingBins: [27, 54],
      observationSteps: 2,
      actionSteps: 8,
    });
    expect(student.config.unet).toMatchObject({ conditioningDim: 18, levels: { embeddings: 2, rounded: false } });
    expect(student.weights.shape('down_modules.0.0.conv1.block.0.weight')).toEqual([24, 2, 5]);
    expect(student.warnings).toEqual([]);
    expect((await load('onedp-d')).config).toMatchObject({ type: 'onedp', variant: 'deterministic', timestep: 65 });
    const heads = await load('no-diffusion');
    expect(heads.config).toMatchObject({ type: 'no_diffusion', hiddenDim: 64, timestep: 50 });
    expect(heads.weights.shape('unet.mid_modules.0.conv1.block.0.weight')).toEqual([56, 56, 5]);
    const generator = await load('onedp-s');
    expect(generator.weightBytes).toBe(2 * generator.parameters);
  });

  it.each(['cp-3step', 'onedp-d', 'no-diffusion'])(
    '%s: clamps to ±1 where it does not say, and not at all where it says null',
    async (name) => {
      expect((await load(name, { config: { clip_range: undefined } })).config).toMatchObject({ clip: 1 });
      expect((await load(name, { config: { clip_range: null } })).config).toMatchObject({ clip: null });
    },
  );

  it('warns of tensors that nothing reads', async () => {
    const { warnings } = await load('cp-1step', { tensors: (tensors) => [...tensors, f32('obs_encoder.weight', [1])] });
    expect(warnings).toEqual(['model.safetensors: 1 tensors are not used: "obs_encoder.weight".']);
  });

  it.each<[string, string, Change, string]>([
    [
      'another type',
      'cp-1step',
      { config: { type: 'diffusion' } },
      'expected "type" to be one of "consistency_policy", "onedp", "no_diffusion"',
    ],
    ['no type', 'cp-1step', { config: { type: undefined } }, 'found nothing'],
    ['a missing size', 'cp-1step', { config: { obs_dim: undefined } }, '"obs_dim" must be an integer from 1 to 65536, found nothing'],
    ['another scaling', 'cp-1step', { config: { scaling: 'karras' } }, '"scaling" "karras" is not supported'],
    [
      'embeddings the other way round',
      'cp-1step',
      { config: { time_embeddings: ['stop', 'level'] } },
      '"time_embeddings" must be ["level", "stop"]',
    ],
    ['bins that fall', 'cp-1step', { config: { chaining_bins: [54, 27] } }, '"chaining_bins" must be a list of rising bins'],
    ['a bin beyond the last', 'cp-1step', { config: { chaining_bins: [80] } }, 'a list of integers from 1 to 79'],
    ['levels that do not rise', 'cp-1step', { config: { sigma_max: 0.01 } }, '"sigma_max" must be a number above 0.02'],
    ['a clip of zero', 'cp-1step', { config: { clip_range: 0 } }, '"clip_range" must be a number above 0'],
    ['another variant', 'onedp-s', { config: { variant: 'x' } }, '"variant" "x" is not supported'],
    ['a timestep beyond the schedule', 'onedp-s', { config: { init_timestep: 100 } }, '"init_timestep" must be an integer from 0 to 99'],
    ['a generator of chunks', 'onedp-s', { config: { prediction_type: 'sample' } }, '"prediction_type" "sample" is not supported'],
    ['another activation', 'no-diffusion', { config: { activation: 'elu' } }, '"activation" "elu" is not supported'],
    [
      'another conditioning',
      'cp-1step',
      { config: { obs_dim: 8 } },
      'expected shape [48,80] (from down_dims, use_film_scale_modulation, diffusion_step_embed_dim, n_obs_steps and the input features',
    ],
    [
      'one embedding, as a policy has',
      'onedp-s',
      { config: { type: 'consistency_policy' } },
      'tensor "down_modules.0.0.cond_encoder.1.weight" in model.safetensors: expected shape [48,82]',
    ],
    [
      'another width of the heads',
      'no-diffusion',
      { config: { hidden_dim: 32 } },
      'tensor "mean_head.0.weight" in model.safetensors: expected shape [32,18] (from hidden_dim, horizon, action_dim, n_obs_steps and obs_dim',
    ],
    [
      'a missing tensor, by the name that the file would have',
      'no-diffusion',
      { tensors: without('unet.down_modules.0.2.conv.weight') },
      'tensor "unet.down_modules.0.2.conv.weight" in model.safetensors: expected shape [24,24,3] (from down_dims in config.json), found no such tensor',
    ],
  ])('is refused: %s', async (_, name, change, message) => {
    const refused = await load(name, change).catch((error: unknown) => error);
    expect(refused).toSatisfy((error) => error instanceof CheckpointError || error instanceof UnsupportedCheckpointError);
    expect((refused as Error).message).toContain(message);
  });

  it('is not a predictor, and says so', async () => {
    await expect(loadMethodCheckpoint(golden('step-pusht-trained/predictor'))).rejects.toThrow(
      'a policy and a predictor have places of their own',
    );
  });
});
