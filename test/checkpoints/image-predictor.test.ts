import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint, loadStartCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { StartCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { goldenFiles, jsonOf } from '../support/folders.js';
import { CVAE, imagePredictor, type PredictorChange, ROWS, TRANSFORMER } from '../support/image-predictor.js';

const load = (kind: 'transformer' | 'cvae', change?: PredictorChange): Promise<StartCheckpoint> =>
  loadStartCheckpoint(imagePredictor(kind, change).source);

describe('a folder of an image predictor', () => {
  it('of a transformer: sizes, what it reads, and tensors without the prefix of their file', async () => {
    const { tensors, source } = imagePredictor('transformer');
    const predictor = await loadPredictorCheckpoint(source);
    expect(predictor).toMatchObject({ kind: 'transformer', config: TRANSFORMER, observation: ROWS, warnings: [] });
    for (const name of ['action_query', 'obs_proj.bias', 'encoder.key_model_map.rgb.net.4.bias']) {
      expect((await predictor.weights.readFloats(name)).slice()).toEqual(tensors[name]);
    }
    const tables = ['pos_encoder_action.pe', 'pos_encoder_obs.pe'];
    const trained = Object.entries(tensors).filter(([name]) => !tables.includes(name));
    expect(predictor.parameters).toBe(trained.reduce((sum, [, { length }]) => sum + length, 0));
  });

  it('of a CVAE: its decoder; what training alone needs is not read, and no reason for a warning', async () => {
    const { tensors, source } = imagePredictor('cvae');
    const cvae = await loadStartCheckpoint(source);
    expect(cvae).toMatchObject({ kind: 'cvae', config: CVAE, observation: ROWS, warnings: [] });
    expect((await cvae.weights.readFloats('decoder_net.3.bias')).slice()).toEqual(tensors['decoder_net.3.bias']);
    const read = Object.entries(tensors).filter(([name]) => name !== 'encoder_mean.bias');
    expect(cvae.parameters).toBe(read.reduce((sum, [, { length }]) => sum + length, 0));
  });

  it('of a CVAE over the conditioning', async () => {
    const files = goldenFiles('methods/bridger-cvae/predictor');
    const { kind, config, observation, warnings } = await loadStartCheckpoint(memorySource('cvae', files));
    expect([kind, observation, warnings]).toEqual(['cvae', { kind: 'conditioning' }, []]);
    expect(config).toEqual({ ...CVAE, horizon: 16, observationDim: 10, conditionDim: 20, latentDim: 16, hiddenDim: 96 });
    const cameras = { ...(jsonOf(files, 'config.json') as object), cameras: ['a'] };
    const withCameras = loadStartCheckpoint(memorySource('cvae', { ...files, 'config.json': JSON.stringify(cameras) }));
    await expect(withCameras).rejects.toThrow(/"image_feature_dim" must be an integer from 1/);
  });

  it('needs no layer between rows and tokens, or frames and condition, where they are as wide', async () => {
    const plain = load('transformer', { config: { obs_dim: ROWS.width }, leaveOut: 'obs_proj.weight' });
    await expect(plain).rejects.toThrow(/"model\.obs_embed\.weight".*expected shape \[16,18\]/);
    const frames = load('cvae', { config: { cond_dim: 2 * ROWS.width } });
    await expect(frames).rejects.toThrow(/"model\.net\.decoder_net\.0\.weight".*expected shape \[16,40\]/);
  });

  it('is no STEP predictor where it is a CVAE', async () => {
    await expect(loadPredictorCheckpoint(imagePredictor('cvae').source)).rejects.toThrow(
      /expected "type" to be "step_predictor" or "step_image_predictor", found "step_image_cvae"/,
    );
  });

  const encoder = { type: 'small_conv', in_channels: 3, embed_dim: 8, shared: true, image_shape: [3, 36, 47] };
  it.each<[string, PredictorChange, RegExp]>([
    ['another encoder', { config: { image_encoder: { ...encoder, type: 'resnet' } } }, /"type" "resnet" is not supported/],
    ['an encoder for each camera', { config: { image_encoder: { ...encoder, shared: false } } }, /"shared" false is not supported/],
    [
      'other channels',
      { config: { image_encoder: { ...encoder, in_channels: 4 } } },
      /"in_channels" must be an integer from 3 to 3, found 4/,
    ],
    [
      'pictures without sides',
      { config: { image_encoder: { ...encoder, image_shape: [3, 36] } } },
      /"image_shape" must be \[3, height, width\]/,
    ],
    ['normalised vectors', { config: { normalize_state: true } }, /"normalize_state" true is not supported \(false is\)/],
    ['no cameras', { config: { image_keys: [] } }, /"image_keys" must be a list of at least 1 names, each once, found \[\]/],
    ['a camera twice', { config: { image_keys: ['a', 'a'] } }, /each once/],
    ['rows too narrow for its cameras', { config: { feature_dim: 15 } }, /"feature_dim" must be at least 2 × 8/],
    [
      'another width of its features',
      { config: { image_encoder: { ...encoder, embed_dim: 7 } } },
      /"encoder\.key_model_map\.rgb\.head\.weight".*expected shape \[7,128\]/,
    ],
    [
      'no linear layer',
      { leaveOut: 'obs_proj.bias' },
      /tensor "obs_proj\.bias" in model\.safetensors: expected shape \[12\].*no such tensor/,
    ],
    ['a tensor that is not there', { leaveOut: 'model.output_norm.bias' }, /tensor "model\.output_norm\.bias" in model\.safetensors/],
  ])('is refused with %s', async (_what, change, message) => {
    await expect(load('transformer', change)).rejects.toThrow(CheckpointError);
    await expect(load('transformer', change)).rejects.toThrow(message);
  });

  it('reads the tensors behind its prefix, and no others of the same name', async () => {
    const rename = (name: string): string => (name === 'model.output_norm.bias' ? 'output_norm.bias' : name);
    await expect(load('transformer', { rename })).rejects.toThrow(
      /tensor "model\.output_norm\.bias" in model\.safetensors.*no such tensor/,
    );
  });

  it('warns of tensors that nothing reads', async () => {
    const rename = (name: string): string => (name === 'model.net.encoder_mean.bias' ? 'model.net.vision.bias' : name);
    const { warnings } = await load('cvae', { rename });
    expect(warnings).toEqual(['model.safetensors: 1 tensors are not used: "model.net.vision.bias".']);
  });
});
