import { CheckpointError } from '../../foundation/errors.js';
import type { CvaeShape, PredictorObservation, PredictorShape, RawRows, SmallEncoderShape } from '../../spec/network-shapes.js';
import type { JsonObject } from '../json-object.js';

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

/** What a policy observes, for networks whose config.json does not say what they read of it. */
export interface ObservedBeside {
  /** Height and width of its pictures; undefined: it has none. */
  readonly frame: readonly [number, number] | undefined;
  /** Names of its vectors. */
  readonly vectors: readonly string[];
}

/**
 * A CVAE of type `cvae_predictor`: over the policy's conditioning, or, with `cameras`, over features of its own and vectors in raw units. Sizes of
 * pictures and names of vectors that it does not say are those of the policy beside it.
 */
export function readCvaePredictor(
  json: JsonObject,
  beside: ObservedBeside | undefined,
): { readonly config: CvaeShape; readonly observation: PredictorObservation } {
  if (json.isNull('cameras')) return { config: readStateCvae(json), observation: { kind: 'conditioning' } };
  json.choice('image_encoder', ['shared_conv'], 'shared_conv');
  json.choice('observation_normalization', ['none'], 'none');
  const width = json.integer('obs_dim', {});
  const cameras = readNames(json, 'cameras', 1);
  const features = json.integer('image_feature_dim', {});
  if (width < cameras.length * features) json.fail('obs_dim', `at least ${cameras.length} × ${features}, the features of its cameras`);
  const [height, length] = picturesOf(json, beside);
  const vectors = json.has('state_keys') ? readNames(json, 'state_keys', 0) : [...(beside?.vectors ?? [])].sort();
  const encoder = { features, height, width: length, imagenetNorm: false };
  return { config: projected(json, readCvae(json, width)), observation: { kind: 'raw', cameras, vectors, encoder, width } };
}

/** Sides of the pictures as cameras deliver them. */
function picturesOf(json: JsonObject, beside: ObservedBeside | undefined): readonly [number, number] {
  if (!json.has('image_shape')) {
    return beside?.frame ?? json.fail('image_shape', '[3, height, width], or to be left out beside a policy with pictures');
  }
  const [channels, height, width, ...more] = json.integers('image_shape', { max: MOST_PIXELS_OF_SIDE });
  if (channels !== 3 || height === undefined || width === undefined || more.length > 0) {
    return json.fail('image_shape', '[3, height, width]');
  }
  return [height, width];
}

/** The CVAE over the policy's conditioning vector. */
export function readStateCvae(json: JsonObject): CvaeShape {
  return projected(json, readCvae(json, json.integer('obs_dim', {})));
}

function projected(json: JsonObject, cvae: CvaeShape): CvaeShape {
  return json.isNull('projection_dim') ? cvae : { ...cvae, conditionDim: json.integer('projection_dim', {}) };
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
