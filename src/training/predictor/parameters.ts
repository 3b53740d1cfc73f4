import { predictorTensorShapes } from '../../checkpoints/predictor/predictor-tensors.js';
import { OptionError } from '../../foundation/errors.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import type { ParameterInfo } from '../training-step.js';
import type { ParameterRequests } from '../unet/parameters.js';

/** Key of the keys and values of the memory for all decoder layers: one matrix, in the order of the layers. */
export const MEMORY = 'memory';

/** The learned queries. */
export const QUERIES = 'action_query';

/** A tensor of the reference that lies in several matrices or vectors, and its parts: rows one after the other. */
interface SplitTensor {
  readonly name: string;
  readonly parts: readonly ParameterInfo[];
}

export function encoderLayerName(index: number): string {
  return `cond_encoder.layers.${index}`;
}

export function decoderLayerName(index: number): string {
  return `cross_attention_layers.${index}`;
}

/** Parameters of the predictor in the order of the reference's state dict. */
export function predictorParameters(shape: PredictorShape): ParameterInfo[] {
  const shapes = predictorTensorShapes(shape);
  // The reference declares a decoder layer's parts in the order in which they run.
  const order = ['self_attn', 'norm1', 'cross_attn', 'norm2', 'ffn', 'norm3'];
  const within = (name: string): number => {
    const [, part = ''] = /^cross_attention_layers\.\d+\.(\w+)/.exec(name) ?? [];
    return order.indexOf(part);
  };
  const layer = (name: string): string => /^cross_attention_layers\.\d+\./.exec(name)?.[0] ?? name;
  const names = [...shapes.keys()];
  const first = new Map<string, number>();
  names.forEach((name, index) => first.has(layer(name)) || first.set(layer(name), index));
  const place = (name: string): number => first.get(layer(name)) as number;
  names.sort((a, b) => place(a) - place(b) || within(a) - within(b));
  return names.map((name) => ({ name, shape: shapes.get(name) as number[] }));
}

/** Cross-attention keeps queries, keys and values in one tensor; queries come from other tokens than keys and values. */
function splitTensors({ modelDim: d, decoderLayers }: PredictorShape): SplitTensor[] {
  return Array.from({ length: decoderLayers }, (_, i) => `${decoderLayerName(i)}.cross_attn.in_proj`).flatMap((name) => [
    {
      name: `${name}_weight`,
      parts: [
        { name: `${name}_weight queries`, shape: [d, d] },
        { name: `${name}_weight memory`, shape: [2 * d, d] },
      ],
    },
    {
      name: `${name}_bias`,
      parts: [
        { name: `${name}_bias queries`, shape: [d] },
        { name: `${name}_bias memory`, shape: [2 * d] },
      ],
    },
  ]);
}

/** The same parameters as the device holds them: split ones as their parts. */
export function storedParameters(shape: PredictorShape): ParameterInfo[] {
  const split = new Map(splitTensors(shape).map(({ name, parts }) => [name, parts]));
  return predictorParameters(shape).flatMap((parameter) => split.get(parameter.name) ?? [parameter]);
}

const elements = ({ shape }: ParameterInfo): number => shape.reduce((product, size) => product * size, 1);

/** Tensors of the reference as the device holds them. What is not of the reference, or of another size, is left for the store to refuse. */
export function splitParameters(shape: PredictorShape, tensors: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const split = new Map(tensors);
  for (const { name, parts } of splitTensors(shape)) {
    const whole = tensors.get(name);
    const size = parts.reduce((sum, part) => sum + elements(part), 0);
    if (!(whole instanceof Float32Array) || whole.length !== size) {
      throw new OptionError(
        `expected ${size} values of "${name}" in a Float32Array, found ${whole instanceof Float32Array ? `${whole.length} values` : 'none'}.`,
      );
    }
    split.delete(name);
    let first = 0;
    for (const part of parts) {
      split.set(part.name, whole.subarray(first, first + elements(part)));
      first += elements(part);
    }
  }
  return split;
}

/** The other way round, in the order of the reference. */
export function joinParameters(shape: PredictorShape, stored: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const split = new Map(splitTensors(shape).map(({ name, parts }) => [name, parts]));
  return new Map(
    predictorParameters(shape).map(({ name, shape: sizes }) => {
      const parts = split.get(name);
      if (!parts) return [name, stored.get(name) as Float32Array];
      const whole = new Float32Array(elements({ name, shape: sizes }));
      let first = 0;
      for (const part of parts) {
        whole.set(stored.get(part.name) as Float32Array, first);
        first += elements(part);
      }
      return [name, whole];
    }),
  );
}

/**
 * What the network asks of the layout of its parameters: a matrix and a vector of biases by the name of their layer, scale and shift by the name
 * of their norm.
 * @throws OptionError for widths that are no multiples of four.
 */
export function predictorRequests(shape: PredictorShape): ParameterRequests {
  const { modelDim: d, feedforwardDim: f, actionDim, observationDim, horizon, encoderLayers, decoderLayers } = shape;
  for (const [name, width] of [
    ['d_model', d],
    ['dim_feedforward', f],
  ] as const) {
    if (width % 4 !== 0) throw new OptionError(`${name}: training needs a multiple of 4, found ${width}: choose a multiple of 4.`);
  }
  const requests: ParameterRequests = { matrices: [], vectors: [] };
  const { matrices, vectors } = requests;
  const product = (key: string, inChannels: number, tensors: readonly { weight: string; bias: string; outChannels: number }[]): void => {
    matrices.push({
      key,
      taps: 1,
      inChannels,
      tensors: tensors.map(({ weight, outChannels }) => ({ name: weight, outChannels, order: 'out-in' as const })),
    });
    const channels = tensors.reduce((sum, { outChannels }) => sum + outChannels, 0);
    vectors.push({ key, channels, vectors: [tensors.map(({ bias, outChannels }) => ({ name: bias, channels: outChannels }))] });
  };
  const linear = (name: string, inChannels: number, outChannels: number): void =>
    product(name, inChannels, [{ weight: `${name}.weight`, bias: `${name}.bias`, outChannels }]);
  const norm = (name: string): void => {
    vectors.push({ key: name, channels: d, vectors: ['weight', 'bias'].map((part) => [{ name: `${name}.${part}`, channels: d }]) });
  };
  const attention = (name: string): void => {
    product(`${name}.in_proj`, d, [{ weight: `${name}.in_proj_weight`, bias: `${name}.in_proj_bias`, outChannels: 3 * d }]);
    linear(`${name}.out_proj`, d, d);
  };

  vectors.push({ key: QUERIES, channels: horizon * d, vectors: [[{ name: QUERIES, channels: horizon * d }]] });
  linear('prev_action_embed', actionDim, d);
  linear('obs_embed', observationDim, d);
  for (let i = 0; i < encoderLayers; i++) {
    const layer = encoderLayerName(i);
    attention(`${layer}.self_attn`);
    linear(`${layer}.linear1`, d, f);
    linear(`${layer}.linear2`, f, d);
    for (const name of ['norm1', 'norm2']) norm(`${layer}.${name}`);
  }
  const cross = Array.from({ length: decoderLayers }, (_, i) => `${decoderLayerName(i)}.cross_attn`);
  for (const [i, name] of cross.entries()) {
    const layer = decoderLayerName(i);
    attention(`${layer}.self_attn`);
    const part = { weight: `${name}.in_proj_weight queries`, bias: `${name}.in_proj_bias queries`, outChannels: d };
    product(`${name}.queries`, d, [part]);
    linear(`${name}.out_proj`, d, d);
    linear(`${layer}.ffn.0`, d, f);
    linear(`${layer}.ffn.3`, f, d);
    for (const norm_ of ['norm1', 'norm2', 'norm3']) norm(`${layer}.${norm_}`);
  }
  product(
    MEMORY,
    d,
    cross.map((name) => ({ weight: `${name}.in_proj_weight memory`, bias: `${name}.in_proj_bias memory`, outChannels: 2 * d })),
  );
  norm('output_norm');
  linear('output_proj', d, actionDim);
  return requests;
}
