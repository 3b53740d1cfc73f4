import { type CvaeShape, isProjected, type PredictorShape, type RawRows } from '../../spec/network-shapes.js';
import { POSITION_TABLES } from './predictor-tensors.js';

/** Rows of the tables that the release writes: histories and windows of other lengths can then be tried. */
const LEAST_ROWS: readonly number[] = [26, 12];

/** What config.json of a predictor's folder says (docs/predictor-format.md). */
export function predictorConfigValues(shape: PredictorShape): Readonly<Record<string, string | number>> {
  return {
    type: 'step_predictor',
    action_dim: shape.actionDim,
    obs_dim: shape.observationDim,
    horizon: shape.horizon,
    n_obs_steps: shape.observationSteps,
    history_steps: shape.historySteps,
    n_encoder_layers: shape.encoderLayers,
    d_model: shape.modelDim,
    n_head: shape.heads,
    n_layers: shape.decoderLayers,
    dim_feedforward: shape.feedforwardDim,
  };
}

/** The text of that file. `rows`: of a predictor with an image encoder of its own. */
export function predictorConfig(shape: PredictorShape, rows?: RawRows): string {
  const values = predictorConfigValues(shape);
  return textOf(rows ? { ...values, type: 'step_image_predictor', ...rowValues(rows) } : values);
}

function textOf(values: object): string {
  return `${JSON.stringify(values, null, 2)}\n`;
}

/** What both kinds of networks with an image encoder of their own say of what they read. */
function rowValues({ cameras, vectors, encoder, width }: RawRows): object {
  return {
    image_encoder: {
      type: 'small_conv',
      in_channels: 3,
      embed_dim: encoder.features,
      shared: true,
      image_shape: [3, encoder.height, encoder.width],
      imagenet_norm: encoder.imagenetNorm,
    },
    image_keys: cameras,
    state_keys: vectors,
    feature_dim: width,
    normalize_state: false,
  };
}

/** Both position tables, by the names that the file has for them, f32 [1][rows][modelDim]. */
export function positionTables({
  modelDim,
  horizon,
  historySteps,
  observationSteps,
}: Pick<PredictorShape, 'modelDim' | 'horizon' | 'historySteps' | 'observationSteps'>): Map<string, Float32Array> {
  const used = [Math.max(horizon, historySteps), observationSteps];
  return new Map(POSITION_TABLES.map((name, i) => [name, positionTable(Math.max(LEAST_ROWS[i] as number, used[i] as number), modelDim)]));
}

/** Interleaved: sin(p · 10000^(−2i/d)) at 2i, its cosine at 2i + 1 (STEP release, `PositionalEncoding`); f32 [rows][d]. */
export function positionTable(rows: number, modelDim: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(rows * modelDim);
  for (let p = 0; p < rows; p++) {
    for (let channel = 0; channel < modelDim; channel++) {
      const angle = p * Math.exp((-Math.log(10_000) * (channel - (channel % 2))) / modelDim);
      table[p * modelDim + channel] = channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}

/** The text of config.json of a CVAE over the policy's conditioning, or (`rows`) over pictures (docs/predictor-format.md). */
export function cvaeConfig(shape: CvaeShape, rows?: RawRows): string {
  const sizes = {
    horizon: shape.horizon,
    n_obs_steps: shape.observationSteps,
    latent_dim: shape.latentDim,
    hidden_dim: shape.hiddenDim,
    n_hidden_layers: shape.hiddenLayers,
    activation: shape.activation,
    latent_std: shape.latentStd,
  };
  if (rows) {
    return textOf({ type: 'step_image_cvae', action_dim: shape.actionDim, ...sizes, cond_dim: shape.conditionDim, ...rowValues(rows) });
  }
  return textOf({
    type: 'cvae_predictor',
    action_dim: shape.actionDim,
    obs_dim: shape.observationDim,
    ...sizes,
    ...(isProjected(shape) ? { projection_dim: shape.conditionDim } : {}),
  });
}
