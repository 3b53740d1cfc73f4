import { SMALL_ENCODER, smallEncoderIndex } from '../../checkpoints/predictor/small-encoder-tensors.js';
import { OptionError } from '../../foundation/errors.js';
import { SMALL_ENCODER_CHANNELS, type SmallEncoderShape } from '../../spec/network-shapes.js';
import type { ParameterInfo } from '../training-step.js';
import type { ParameterRequests } from '../unet/parameters.js';

/** Window of every convolution of the small encoder. */
export const SMALL_ENCODER_WINDOW = { kernelSize: 3, stride: 2, padding: 1 } as const;

/** Its linear layer. */
export const SMALL_ENCODER_HEAD = `${SMALL_ENCODER}head`;

export interface SmallConvolution {
  /** Key of its matrix and its bias, and what its tensors' names begin with. */
  readonly key: string;
  readonly inChannels: number;
  readonly outChannels: number;
}

/** The convolutions, first to last. */
export function smallConvolutions(): SmallConvolution[] {
  return SMALL_ENCODER_CHANNELS.map((outChannels, layer) => ({
    key: `${SMALL_ENCODER}net.${smallEncoderIndex(layer)}`,
    inChannels: layer === 0 ? 3 : (SMALL_ENCODER_CHANNELS[layer - 1] as number),
    outChannels,
  }));
}

const LAST = SMALL_ENCODER_CHANNELS.at(-1) as number;

/** Parameters of the small encoder in the order of the release's state dict. */
export function smallEncoderParameters({ features }: Pick<SmallEncoderShape, 'features'>): ParameterInfo[] {
  return [
    ...smallConvolutions().flatMap(({ key, inChannels, outChannels }) => [
      { name: `${key}.weight`, shape: [outChannels, inChannels, 3, 3] },
      { name: `${key}.bias`, shape: [outChannels] },
    ]),
    { name: `${SMALL_ENCODER_HEAD}.weight`, shape: [features, LAST] },
    { name: `${SMALL_ENCODER_HEAD}.bias`, shape: [features] },
  ];
}

/** Adds what the encoder asks of the layout of its parameters. @throws OptionError for an encoder that cannot be trained. */
export function addSmallEncoderRequests(requests: ParameterRequests, { features }: Pick<SmallEncoderShape, 'features'>): void {
  if (features % 4 !== 0) throw new OptionError(`embed_dim: training needs a multiple of 4, found ${features}: choose a multiple of 4.`);
  for (const { key, inChannels, outChannels } of smallConvolutions()) {
    const tensors = [{ name: `${key}.weight`, outChannels, order: 'out-in-tap' as const }];
    requests.matrices.push({ key, taps: SMALL_ENCODER_WINDOW.kernelSize ** 2, inChannels, tensors });
    requests.vectors.push({ key, channels: outChannels, vectors: [[{ name: `${key}.bias`, channels: outChannels }]] });
  }
  addLinear(requests, SMALL_ENCODER_HEAD, LAST, features);
}

/** A linear layer whose tensors are called as its key. */
export function addLinear(requests: ParameterRequests, key: string, inChannels: number, outChannels: number): void {
  requests.matrices.push({ key, taps: 1, inChannels, tensors: [{ name: `${key}.weight`, outChannels, order: 'out-in' }] });
  requests.vectors.push({ key, channels: outChannels, vectors: [[{ name: `${key}.bias`, channels: outChannels }]] });
}
