import {
  type ActivationLayout,
  at,
  declareBindings,
  declareShape,
  type Kernel,
  type KernelBinding,
  SHAPE_BINDING,
  shapeWords,
} from '../lib/kernel.js';
import { workgroupReduction } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

export interface LayerNormParameters {
  readonly epsilon: number;
  readonly invocations: number;
}

/** The kernel's `shape`; `channels` is the width of a token. */
export function layerNormShape(channels: number, x: ActivationLayout, y: ActivationLayout): number[] {
  return shapeWords([channels], [x, y]);
}

/**
 * Layer norm of a token over its channels:
 *
 *     y[n, c] = (x[n, c] − mean_n) / √(var_n + ε) · gamma[c] + beta[c]
 *
 * Mean and (biased) variance in f32 and in two passes. Bindings: shape · x, y f32 by layout · gamma, beta f32 [channels].
 * A workgroup owns one token of one sample.
 */
export function layerNormKernel(p: LayerNormParameters): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'gamma', access: 'read', type: 'array<f32>' },
    { name: 'beta', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['channels'], ['x', 'y'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${p.invocations}u;
const EPSILON: f32 = ${f32(p.epsilon)};

${workgroupReduction(p.invocations, ['sum'])}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let batch = workgroup.z;

  var sum = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    sum += x[${at('x', 'batch', 'c', 'token')}];
  }
  let mean = reduce_sum(sum, local) / f32(shape.channels);

  var squares = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let d = x[${at('x', 'batch', 'c', 'token')}] - mean;
    squares += d * d;
  }
  let deviation = sqrt(reduce_sum(squares, local) / f32(shape.channels) + EPSILON);

  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let value = x[${at('x', 'batch', 'c', 'token')}];
    y[${at('y', 'batch', 'c', 'token')}] = (value - mean) / deviation * gamma[c] + beta[c];
  }
}
`;
  return { label: 'layer_norm', code, bindings };
}
