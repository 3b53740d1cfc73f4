import { isBesideNetwork } from '../../checkpoints/predictor/small-encoder-tensors.js';
import type { SmallEncoderShape } from '../../spec/network-shapes.js';
import type { ParameterInfo } from '../training-step.js';
import { smallEncoderParameters } from './parameters.js';

type Tensors = ReadonlyMap<string, Float32Array>;

/**
 * Names of a network with an image encoder beside it, as the state dict of the STEP release has them: those of the network behind a prefix, those
 * of the encoder and of a projection as they are.
 */
export class ImageNetworkNames {
  /** In the order of the state dict: encoder, network, projection. */
  readonly parameters: readonly ParameterInfo[];
  readonly #prefix: string;

  /** `network`: parameters of the network, and of the projection, under the names of a network that is alone. */
  constructor(encoder: SmallEncoderShape, prefix: string, network: readonly ParameterInfo[]) {
    this.#prefix = prefix;
    const beside = network.filter(({ name }) => isBesideNetwork(name));
    const own = network.filter(({ name }) => !isBesideNetwork(name));
    this.parameters = [...smallEncoderParameters(encoder), ...own.map(({ name, shape }) => ({ name: prefix + name, shape })), ...beside];
  }

  /** Name of a parameter without its prefix. */
  own(name: string): string {
    return name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : name;
  }

  /** Tensors of the state dict under the names of a network that is alone. */
  alone(tensors: Tensors): Map<string, Float32Array> {
    return new Map([...tensors].map(([name, values]) => [this.own(name), values]));
  }

  /** Tensors of the network under their names in the state dict: such as are not trained. */
  behind(tensors: Tensors): Map<string, Float32Array> {
    return new Map([...tensors].map(([name, values]) => [this.#prefix + name, values]));
  }

  /** The other way round, in the order of the state dict. */
  named(tensors: Tensors): Map<string, Float32Array> {
    return new Map(this.parameters.map(({ name }) => [name, tensors.get(this.own(name)) as Float32Array]));
  }
}
