import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { f32, tensorsOf } from '../support/changed-checkpoint.js';
import { goldenFiles, jsonOf } from '../support/folders.js';

interface Change {
  readonly config?: Record<string, unknown>;
  readonly tensors?: (tensors: WritableTensor[]) => WritableTensor[];
}

async function load({ config = {}, tensors = (same) => same }: Change): ReturnType<typeof loadPredictorCheckpoint> {
  const files = goldenFiles('step-pusht-trained/predictor');
  files['config.json'] = JSON.stringify({ ...(jsonOf(files, 'config.json') as object), ...config });
  files['model.safetensors'] = encodeSafetensors(tensors(await tensorsOf(files, 'model.safetensors')));
  return loadPredictorCheckpoint(memorySource('predictor', files));
}

describe('a predictor folder', () => {
  it('may read a part of the history and have names of a compiled model', async () => {
    const { config, weights, warnings } = await load({
      config: { history_steps: 8 },
      tensors: (tensors) => [...tensors.map((tensor) => ({ ...tensor, name: `_orig_mod.${tensor.name}` })), f32('_dummy_variable', [])],
    });
    expect(config.historySteps).toBe(8);
    expect(warnings).toEqual([]);
    expect(weights.shape('pos_encoder_obs.pe')).toEqual([1, 12, 128]);
    expect((await weights.readFloats('output_proj.bias')).length).toBe(2);
  });

  it('warns of tensors that nothing reads', async () => {
    const { warnings } = await load({ tensors: (tensors) => [...tensors, f32('vision.weight', [1])] });
    expect(warnings).toEqual(['model.safetensors: 1 tensors are not used: "vision.weight".']);
  });

  it.each<[string, Change, string]>([
    [
      'another type',
      { config: { type: 'diffusion' } },
      'expected "type" to be "step_predictor" or "step_image_predictor", found "diffusion"',
    ],
    ['a missing key', { config: { d_model: undefined } }, '"d_model" must be an integer from 1 to 65536, found nothing'],
    ['heads that do not divide', { config: { n_head: 3 } }, '"n_head" must divide "d_model" 128, found 3'],
    ['too many layers', { config: { n_layers: 65 } }, '"n_layers" must be an integer from 1 to 64'],
    ['a history longer than a chunk', { config: { history_steps: 17 } }, '"history_steps" must be at most "horizon" 16'],
    [
      'another action size',
      { config: { action_dim: 3 } },
      'tensor "prev_action_embed.weight" in model.safetensors: expected shape [128,3] (from action_dim and d_model in config.json), found shape [128,2]',
    ],
    ['another horizon', { config: { horizon: 24 } }, 'tensor "action_query" in model.safetensors: expected shape [1,24,128]'],
    ['another feed-forward width', { config: { dim_feedforward: 512 } }, 'from d_model and dim_feedforward'],
    [
      'a layer that is not there',
      { config: { n_encoder_layers: 3 } },
      'tensor "cond_encoder.layers.2.self_attn.in_proj_weight" in model.safetensors: expected shape [384,128]',
    ],
    [
      'more observation frames than positions',
      { config: { n_obs_steps: 13 } },
      'tensor "pos_encoder_obs.pe" in model.safetensors: expected shape [1, rows, 128] with at least 13 rows (from n_obs_steps',
    ],
    [
      'no position table',
      { tensors: (all) => all.filter(({ name }) => name !== 'pos_encoder_action.pe') },
      'with at least 16 rows (from history_steps and horizon in config.json), found no such tensor',
    ],
  ])('is refused with %s', async (_what, change, message) => {
    await expect(load(change)).rejects.toThrow(CheckpointError);
    await expect(load(change)).rejects.toThrow(message);
  });
});
