import { CheckpointError } from '../../foundation/errors.js';
import type { CvaeShape, PredictorShape, RawRows, SmallEncoderShape } from '../../spec/network-shapes.js';
import { type JsonObject, shown } from '../json-object.js';

/** What no camera exceeds; devices have limits of their own. */
const MOST_PIXELS_OF_SIDE = 8192;

/** Sizes of the transformer, in config.json of state and image predictors alike. */
export function readTransformer(json: JsonObject): PredictorShape {
  const config: PredictorShape = {
    actionDim: json.integer('action_dim', {}),
    observationDim: json.integer('obs_dim', {}),
    horizon: json.integer('horizon', { max: 4096 }),
    observationSteps: json.integer('n_obs_steps', { max: 1024 }),
    historySteps: json.integer('history_steps', { max: 4096 }),
    encoderLayers: json.integer('n_encoder_layers', { max: 64 }),
    modelDim: json.integer('d_model', {}),
    heads: json.integer('n_head', {}),
    decoderLayers: json.integer('n_layers', { max: 64 }),
    feedforwardDim: json.integer('dim_feedforward', {}),
  };
  if (config.historySteps > config.horizon) {
    throw new CheckpointError(
      `${json.where}: "history_steps" must be at most "horizon" ${config.horizon}, because the ` +
        `history is the end of the previous chunk; found ${config.historySteps}. Use config.json as training wrote it.`,
    );
  }
  if (config.modelDim % config.heads !== 0) {
    throw new CheckpointError(
      `${json.where}: "n_head" must divide "d_model" ${config.modelDim}, found ${config.heads}. ` + 'Use config.json as training wrote it.',
    );
  }
  return config;
}

/** What an image predictor of the STEP release reads of a frame: pictures first, then vectors, in raw units. */
export function readRawRows(json: JsonObject): RawRows {
  const encoder = readSmallEncoder(json.object('image_encoder'));
  // The release leaves vectors as they are; what it would normalise them by is in none of its files.
  if (json.boolean('normalize_state', false)) json.unsupported('normalize_state', 'false is');
  const cameras = readNames(json, 'image_keys', 1);
  const vectors = readNames(json, 'state_keys', 0);
  const width = json.integer('feature_dim', {});
  if (width < cameras.length * encoder.features) {
    throw new CheckpointError(
      `${json.where}: "feature_dim" must be at least ${cameras.length} × ${encoder.features} for the features of ${cameras.length} images ` +
        `("image_keys" and "embed_dim"), found ${width}. Use config.json as training wrote it.`,
    );
  }
  return { kind: 'raw', cameras, vectors, encoder, width };
}

function readSmallEncoder(json: JsonObject): SmallEncoderShape {
  json.choice('type', ['small_conv'], 'small_conv');
  if (!json.boolean('shared', true)) json.unsupported('shared', 'true, one encoder for all cameras, is');
  json.integer('in_channels', { fallback: 3, min: 3, max: 3 });
  const [channels, height, width, ...more] = json.integers('image_shape', { max: MOST_PIXELS_OF_SIDE });
  if (channels !== 3 || height === undefined || width === undefined || more.length > 0)
    return json.fail('image_shape', '[3, height, width]');
  return { features: json.integer('embed_dim', {}), height, width, imagenetNorm: json.boolean('imagenet_norm', false) };
}

function readNames(json: JsonObject, key: string, least: number): readonly string[] {
  const names = json.strings(key);
  if (names.length < least || new Set(names).size < names.length) {
    json.fail(key, `a list of at least ${least} names, each once`);
  }
  return names;
}

/** The CVAE of the release's image policies. */
export function readImageCvae(json: JsonObject): { readonly config: CvaeShape; readonly observation: RawRows } {
  const observation = readRawRows(json);
  return { config: { ...readCvae(json, observation.width), conditionDim: json.integer('cond_dim', {}) }, observation };
}

/** The CVAE over the policy's conditioning vector. */
export function readStateCvae(json: JsonObject): CvaeShape {
  if (!json.isNull('cameras')) {
    throw new CheckpointError(
      `${json.where}: expected no "cameras" with "type": "cvae_predictor", found ${shown(json.value('cameras'))}. A CVAE that reads images has ` +
        '"type": "step_image_cvae", with the keys of docs/predictor-format.md.',
    );
  }
  const cvae = readCvae(json, json.integer('obs_dim', {}));
  if (json.isNull('projection_dim')) return cvae;
  return { ...cvae, conditionDim: json.integer('projection_dim', {}) };
}

/** What both have; the condition is all frames as they are. */
function readCvae(json: JsonObject, observationDim: number): CvaeShape {
  const observationSteps = json.integer('n_obs_steps', { max: 1024 });
  return {
    actionDim: json.integer('action_dim', {}),
    observationDim,
    horizon: json.integer('horizon', { max: 4096 }),
    observationSteps,
    conditionDim: observationSteps * observationDim,
    latentDim: json.integer('latent_dim', { max: 4096 }),
    hiddenDim: json.integer('hidden_dim', {}),
    hiddenLayers: json.integer('n_hidden_layers', { fallback: 2, max: 16 }),
    activation: json.choice('activation', ['relu', 'elu'], 'relu'),
    latentStd: json.number('latent_std', { fallback: 1, above: 0, below: 1e6 }),
  };
}
