import { predictorTensorShapes } from '../../src/checkpoints/predictor/predictor-tensors.js';
import { cvaeTensors, smallEncoderTensors, tokenProjectionTensors } from '../../src/checkpoints/predictor/small-encoder-tensors.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { CvaeShape, PredictorShape, RawRows } from '../../src/spec/network-shapes.js';
import { CAMERAS, FRAME, STATE_DIM } from './image-policy.js';
import { Normals } from './values.js';

/** What the predictors of the test policy with images read: its second camera, then its first, then its state, in raw units. */
export const ROWS: RawRows = rowsOf(8);

/** The same with other features of a camera. */
function rowsOf(features: number): RawRows {
  return {
    kind: 'raw',
    cameras: [CAMERAS[1], CAMERAS[0]],
    vectors: ['observation.state'],
    encoder: { features, ...FRAME, imagenetNorm: true },
    width: 2 * features + STATE_DIM,
  };
}

export const TRANSFORMER: PredictorShape = {
  actionDim: 2,
  observationDim: 12,
  horizon: 8,
  observationSteps: 2,
  historySteps: 4,
  encoderLayers: 1,
  decoderLayers: 1,
  modelDim: 16,
  heads: 2,
  feedforwardDim: 32,
};

export const CVAE: CvaeShape = {
  actionDim: 2,
  observationDim: ROWS.width,
  horizon: 8,
  observationSteps: 2,
  conditionDim: 24,
  latentDim: 4,
  hiddenDim: 16,
  hiddenLayers: 2,
  activation: 'relu',
  latentStd: 1,
};

/** A folder of a predictor, and its tensors under the names that the network knows. */
export interface ImagePredictor {
  readonly source: CheckpointSource;
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** What is different in its configuration, and in the names of its tensors. */
export interface PredictorChange {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly rename?: (name: string) => string;
  readonly leaveOut?: string;
  /** Of a camera. Default 8. */
  readonly features?: number;
}

function imageKeys({ encoder, cameras, vectors, width }: RawRows): Record<string, unknown> {
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
    normalize_state: false,
    feature_dim: width,
  };
}

/** A folder of an image predictor with random weights, by the names of the STEP release. */
export function imagePredictor(
  kind: 'transformer' | 'cvae',
  { config = {}, rename = (name) => name, leaveOut, features = 8 }: PredictorChange = {},
): ImagePredictor {
  const rows = rowsOf(features);
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { shape }] of smallEncoderTensors(rows)) shapes.set(name, shape);
  const network = new Map<string, readonly number[]>();
  if (kind === 'transformer') {
    for (const [name, { shape }] of tokenProjectionTensors(rows, TRANSFORMER)) shapes.set(name, shape);
    for (const [name, shape] of predictorTensorShapes(TRANSFORMER)) network.set(name, shape);
    for (const name of ['pos_encoder_action.pe', 'pos_encoder_obs.pe']) network.set(name, [1, 12, TRANSFORMER.modelDim]);
  } else {
    for (const [name, { shape }] of cvaeTensors({ ...CVAE, observationDim: rows.width }))
      (name.startsWith('obs_projection') ? shapes : network).set(name, shape);
    network.set('encoder_mean.bias', [CVAE.latentDim]);
  }
  const prefix = kind === 'transformer' ? 'model.' : 'model.net.';
  const normals = new Normals(kind.length);
  const tensors: Record<string, Float32Array> = {};
  const writable = [...shapes, ...network].map(([name, shape]) => {
    const fanIn = shape.slice(1).reduce((all, size) => all * size, 1);
    const data = normals
      .floats(shape.reduce((all, size) => all * size, 1))
      .map((value) => value * (shape.length > 1 ? Math.sqrt(1 / fanIn) : 0.2));
    tensors[name] = data;
    return { name: rename(network.has(name) ? prefix + name : name), dtype: 'F32' as const, shape, data };
  });
  const common = { action_dim: 2, horizon: 8, n_obs_steps: 2, ...imageKeys(rows) };
  const own =
    kind === 'transformer'
      ? {
          type: 'step_image_predictor',
          obs_dim: TRANSFORMER.observationDim,
          history_steps: TRANSFORMER.historySteps,
          n_encoder_layers: 1,
          d_model: TRANSFORMER.modelDim,
          n_head: TRANSFORMER.heads,
          n_layers: 1,
          dim_feedforward: TRANSFORMER.feedforwardDim,
        }
      : { type: 'step_image_cvae', cond_dim: CVAE.conditionDim, latent_dim: CVAE.latentDim, hidden_dim: CVAE.hiddenDim };
  const files = {
    'config.json': JSON.stringify({ ...common, ...own, ...config }),
    'model.safetensors': encodeSafetensors(writable.filter(({ name }) => name !== leaveOut)),
  };
  return { source: memorySource('image predictor', files), tensors };
}
