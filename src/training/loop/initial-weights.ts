import { isBesideNetwork } from '../../checkpoints/predictor/small-encoder-tensors.js';
import type { ImageNetworkNames } from '../small-encoder/names.js';
import type { ParameterInfo, TrainingStep } from '../training-step.js';
import { normals, uniforms } from './draws.js';

/** Values drawn under one key: a network's largest tensors hold tens of millions, and would need their double in float64. */
const PIECE = 2 ** 20;

/** How a tensor begins. */
export type InitialValues =
  | { readonly kind: 'constant'; readonly value: number }
  /** In ±bound. */
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly deviation: number };

/** By name, shape, and the shape of the weight that a bias belongs to. */
export type InitialRule = (name: string, shape: readonly number[], weight: readonly number[]) => InitialValues;

const ONE: InitialValues = { kind: 'constant', value: 1 };
const ZERO: InitialValues = { kind: 'constant', value: 0 };

/**
 * PyTorch's defaults for layers: weight and bias uniform in ±1/√f, f = shape[1] · Π shape[2:] of the weight, also of transposed
 * convolutions, whose weight is [in, out, taps]; norms 1 and 0. Convolutions of a torchvision ResNet are normal, std √(2/(out · taps)).
 */
export const policyRule: InitialRule = (name, shape, weight) => {
  const isBias = name.endsWith('bias');
  if (weight.length < 2) return isBias ? ZERO : ONE;
  if (!isBias && /(^|\.)backbone\./.test(name)) {
    return { kind: 'normal', deviation: Math.sqrt(2 / ((shape[0] as number) * product(shape.slice(2)))) };
  }
  return { kind: 'uniform', bound: 1 / Math.sqrt(product(weight.slice(1))) };
};

/** The STEP release: Xavier uniform for every product, `in_proj_weight` as one of them; biases 0; norms 1 and 0; queries normal, std 0.02. */
export const predictorRule: InitialRule = (name, shape) => {
  if (name === 'action_query') return { kind: 'normal', deviation: 0.02 };
  if (name.endsWith('bias')) return ZERO;
  const [out, inputs] = shape;
  if (out === undefined || inputs === undefined) return ONE;
  return { kind: 'uniform', bound: Math.sqrt(6 / (inputs + out)) };
};

/** Of a network behind an image encoder: encoder and projection as PyTorch's defaults, the network by a rule of its own. */
export function besideRule(names: Pick<ImageNetworkNames, 'own'>, rule: InitialRule): InitialRule {
  return (name, shape, weight) => (isBesideNetwork(name) ? policyRule : rule)(names.own(name), shape, weight);
}

/** The weights that a run begins with: a function of seed, order of parameters, and shapes. */
export function initialWeights(parameters: readonly ParameterInfo[], rule: InitialRule, seed: number): Map<string, Float32Array> {
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  return new Map(
    parameters.map(({ name, shape }, index) => {
      const weight = shapes.get(name.replace(/bias$/, 'weight')) ?? shape;
      return [name, drawn(rule(name, shape, weight), product(shape), seed, index)];
    }),
  );
}

function drawn(values: InitialValues, count: number, seed: number, parameter: number): Float32Array {
  const out = new Float32Array(count);
  if (values.kind === 'constant') return out.fill(values.value);
  for (let first = 0, part = 0; first < count; first += PIECE, part++) {
    const key = { seed, purpose: 'initialWeights', step: parameter, part } as const;
    const size = Math.min(PIECE, count - first);
    if (values.kind === 'normal') {
      const piece = normals(size, key);
      for (let i = 0; i < size; i++) out[first + i] = (piece[i] as number) * values.deviation;
    } else {
      const piece = uniforms(size, key);
      for (let i = 0; i < size; i++) out[first + i] = (2 * (piece[i] as number) - 1) * values.bound;
    }
  }
  return out;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

/** Writes what a run begins with, to the moving average too where there is one. */
export function writeInitial(step: Pick<TrainingStep<never>, 'write'>, initial: ReadonlyMap<string, Float32Array>, ema: boolean): void {
  step.write('weights', initial);
  if (ema) step.write('ema', initial);
}
