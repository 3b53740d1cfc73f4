import {
  CONDITION_PROJECTION,
  type CvaeShape,
  cvaeDecoderLayer,
  isProjected,
  type PredictorShape,
  type RawRows,
  SMALL_ENCODER_CHANNELS,
} from '../../spec/network-shapes.js';
import type { ExpectedTensor } from '../named-tensors.js';

/** What the names of the image encoder's tensors begin with (KeyModelMap of the STEP release, one model for all pictures). */
export const SMALL_ENCODER = 'encoder.key_model_map.rgb.';

/** Index in `net`, a list of convolutions and activations, of a convolution of the small encoder. */
export function smallEncoderIndex(layer: number): number {
  return 2 * layer;
}

/** Every tensor of the small image encoder and its shape (small_conv of the STEP release's image predictors). */
export function smallEncoderTensors({ encoder }: RawRows): Map<string, ExpectedTensor> {
  const expected = new Map<string, ExpectedTensor>();
  let inChannels = 3;
  SMALL_ENCODER_CHANNELS.forEach((channels, layer) => {
    const name = `${SMALL_ENCODER}net.${smallEncoderIndex(layer)}`;
    expected.set(`${name}.weight`, { shape: [channels, inChannels, 3, 3], because: 'image_encoder' });
    expected.set(`${name}.bias`, { shape: [channels], because: 'image_encoder' });
    inChannels = channels;
  });
  const because = 'image_encoder, embed_dim';
  expected.set(`${SMALL_ENCODER}head.weight`, { shape: [encoder.features, inChannels], because });
  expected.set(`${SMALL_ENCODER}head.bias`, { shape: [encoder.features], because });
  return expected;
}

/** The linear layer between raw rows and the tokens of a transformer, where these are not as wide. */
export const TOKEN_PROJECTION = 'obs_proj';

export function tokenProjectionTensors({ width }: RawRows, { observationDim }: PredictorShape): Map<string, ExpectedTensor> {
  if (width === observationDim) return new Map();
  const because = 'obs_dim and feature_dim';
  return new Map([
    [`${TOKEN_PROJECTION}.weight`, { shape: [observationDim, width], because }],
    [`${TOKEN_PROJECTION}.bias`, { shape: [observationDim], because }],
  ]);
}

/** Every tensor of a CVAE that inference reads, and its shape: its decoder, a list of linear layers, activations and dropout. */
export function cvaeTensors(shape: CvaeShape): Map<string, ExpectedTensor> {
  const { actionDim, observationDim, horizon, observationSteps, conditionDim, latentDim, hiddenDim, hiddenLayers } = shape;
  const expected = new Map<string, ExpectedTensor>();
  const linear = (name: string, inDim: number, outDim: number, because: string): void => {
    expected.set(`${name}.weight`, { shape: [outDim, inDim], because });
    expected.set(`${name}.bias`, { shape: [outDim], because });
  };
  if (isProjected(shape)) {
    linear(CONDITION_PROJECTION, observationSteps * observationDim, conditionDim, 'cond_dim, n_obs_steps and the width of a frame');
  }
  for (let layer = 0; layer < hiddenLayers; layer++) {
    const inDim = layer === 0 ? conditionDim + latentDim : hiddenDim;
    linear(cvaeDecoderLayer(shape, layer), inDim, hiddenDim, layer === 0 ? 'hidden_dim, latent_dim and the condition' : 'hidden_dim');
  }
  linear(cvaeDecoderLayer(shape, hiddenLayers), hiddenDim, horizon * actionDim, 'hidden_dim, horizon and action_dim');
  return expected;
}

/** What the names of the networks' tensors begin with in the files of networks with an image encoder of their own. */
export const IMAGE_NETWORK_PREFIXES = { transformer: 'model.', cvae: 'model.net.' } as const;

/** Whether a tensor lies beside the network, in files whose network has a prefix. */
export function isBesideNetwork(name: string): boolean {
  return [SMALL_ENCODER, TOKEN_PROJECTION, CONDITION_PROJECTION].some((begin) => name.startsWith(begin));
}

/** Tensors of a CVAE that training alone needs. */
export const TRAINING_ONLY = /^encoder(_net|_mean|_logstd|\.model)\./;
