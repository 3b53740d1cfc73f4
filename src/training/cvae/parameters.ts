import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { CONDITION_PROJECTION, type CvaeShape, cvaeDecoderLayer, isProjected } from '../../spec/network-shapes.js';
import type { MatrixRequest, VectorsRequest } from '../plan/parameter-layout.js';
import type { ParameterInfo } from '../training-step.js';
import type { ParameterRequests } from '../unet/parameters.js';

/** A linear layer, or several side by side that read the same; `key`: what the layout calls it. */
export interface CvaeLayer {
  readonly key: string;
  readonly inChannels: number;
  readonly tensors: readonly { readonly name: string; readonly outChannels: number }[];
}

/** The linear layers of both halves, in the order of execution; after each but the last there is an activation. */
export interface CvaeLayers {
  /** Of all frames, where they are not the condition themselves. */
  readonly projection: CvaeLayer | undefined;
  /** Of [condition, chunk]; the last one makes mean and raw deviation of the latents, side by side. */
  readonly encoder: readonly CvaeLayer[];
  /** Of [condition, latent]. */
  readonly decoder: readonly CvaeLayer[];
}

/**
 * Layers by the names of the releases. STEP's has `encoder_net.{0, 3, …}` and the heads `encoder_mean` and `encoder_logstd`, BRIDGER's
 * `encoder.model.{0, 2, …}`, whose last layer is both heads.
 */
export function cvaeLayers(shape: CvaeShape): CvaeLayers {
  const { actionDim, horizon, observationDim, observationSteps, conditionDim, latentDim, hiddenDim, hiddenLayers, activation } = shape;
  const chunk = horizon * actionDim;
  const single = (name: string, inChannels: number, outChannels: number): CvaeLayer => ({
    key: name,
    inChannels,
    tensors: [{ name, outChannels }],
  });
  const hidden = (name: (layer: number) => string, inChannels: number): CvaeLayer[] =>
    Array.from({ length: hiddenLayers }, (_, layer) => single(name(layer), layer === 0 ? inChannels : hiddenDim, hiddenDim));
  const isElu = activation === 'elu';
  const heads: CvaeLayer = isElu
    ? single(`encoder.model.${2 * hiddenLayers}`, hiddenDim, 2 * latentDim)
    : {
        key: 'encoder_mean and encoder_logstd',
        inChannels: hiddenDim,
        tensors: ['encoder_mean', 'encoder_logstd'].map((name) => ({ name, outChannels: latentDim })),
      };
  return {
    projection: isProjected(shape) ? single(CONDITION_PROJECTION, observationSteps * observationDim, conditionDim) : undefined,
    encoder: [...hidden((layer) => (isElu ? `encoder.model.${2 * layer}` : `encoder_net.${3 * layer}`), conditionDim + chunk), heads],
    decoder: [
      ...hidden((layer) => cvaeDecoderLayer(shape, layer), conditionDim + latentDim),
      single(cvaeDecoderLayer(shape, hiddenLayers), hiddenDim, chunk),
    ],
  };
}

/** Parameters in the order of the reference's state dict. */
export function cvaeParameters(shape: CvaeShape): ParameterInfo[] {
  return allLayers(shape).flatMap(({ inChannels, tensors }) =>
    tensors.flatMap(({ name, outChannels }) => [
      { name: `${name}.weight`, shape: [outChannels, inChannels] },
      { name: `${name}.bias`, shape: [outChannels] },
    ]),
  );
}

function allLayers(shape: CvaeShape): readonly CvaeLayer[] {
  const { projection, encoder, decoder } = cvaeLayers(shape);
  return [...(projection ? [projection] : []), ...encoder, ...decoder];
}

/** Values of a layer's output. */
export function widthOf({ tensors }: CvaeLayer): number {
  return tensors.reduce((sum, { outChannels }) => sum + outChannels, 0);
}

/** What the network asks of the layout of its parameters. @throws OptionError for a network that cannot be trained. */
export function cvaeRequests(shape: CvaeShape): ParameterRequests {
  if (shape.hiddenDim % 4 !== 0) {
    throw new OptionError(`hidden_dim: training needs a multiple of 4, found ${shownValue(shape.hiddenDim)}.`);
  }
  if (isProjected(shape) && shape.conditionDim % 4 !== 0) {
    throw new OptionError(`projection_dim: training needs a multiple of 4, found ${shownValue(shape.conditionDim)}.`);
  }
  const layers = allLayers(shape);
  const matrices = layers.map(
    ({ key, inChannels, tensors }): MatrixRequest => ({
      key,
      taps: 1,
      inChannels,
      tensors: tensors.map(({ name, outChannels }) => ({ name: `${name}.weight`, outChannels, order: 'out-in' })),
    }),
  );
  const vectors = layers.map(
    (layer): VectorsRequest => ({
      key: layer.key,
      channels: widthOf(layer),
      vectors: [layer.tensors.map(({ name, outChannels }) => ({ name: `${name}.bias`, channels: outChannels }))],
    }),
  );
  return { matrices, vectors };
}
