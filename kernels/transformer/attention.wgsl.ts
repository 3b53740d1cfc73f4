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
import { wgsl } from '../lib/wgsl.js';

export interface AttentionParameters {
  /** Keys that fit in workgroup memory. */
  readonly maxKeys: number;
  readonly invocations: number;
}

export interface AttentionSizes {
  readonly keys: number;
  readonly headDim: number;
  /** Channel h·headDim + d of a token belongs to head h. */
  readonly q: ActivationLayout;
  readonly k: ActivationLayout;
  readonly v: ActivationLayout;
  readonly y: ActivationLayout;
}

/** The kernel's `shape`. */
export function attentionShape({ keys, headDim, q, k, v, y }: AttentionSizes): number[] {
  return shapeWords([keys, headDim], [q, k, v, y]);
}

/**
 * Multi-head attention (Vaswani et al. 2017), without mask:
 *
 *     s[j]        = Σ_d q[n, h, d] · k[j, h, d] / √headDim
 *     y[n, h, d]  = Σ_j softmax(s)[j] · v[j, h, d]
 *
 * Self-attention reads q, k and v from one product with `in_proj`, cross-attention from two; both are only layouts.
 * Bindings: shape · queries, memory (k and v), y f32 by layout. A workgroup owns one query of one head of one sample;
 * invocations share the keys, then the channels of the head.
 */
export function attentionKernel(p: AttentionParameters): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'queries', access: 'read', type: 'array<f32>' },
    { name: 'memory', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['keys', 'head_dim'], ['q', 'k', 'v', 'y'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${p.invocations}u;
const LOWEST: f32 = -3.0e38f;

${workgroupReduction(p.invocations, ['sum', 'max'])}
var<workgroup> weights: array<f32, ${p.maxKeys}>;

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let first = workgroup.y * shape.head_dim;
  let batch = workgroup.z;
  let scale = 1.0f / sqrt(f32(shape.head_dim));

  var highest = LOWEST;
  for (var j = local; j < shape.keys; j += INVOCATIONS) {
    var dot_product = 0.0f;
    for (var d = 0u; d < shape.head_dim; d++) {
      let c = first + d;
      dot_product += queries[${at('q', 'batch', 'c', 'token')}] * memory[${at('k', 'batch', 'c', 'j')}];
    }
    weights[j] = dot_product * scale;
    highest = max(highest, weights[j]);
  }
  // Subtracting the maximum keeps every exponential at most 1.
  highest = reduce_max(highest, local);

  var sum = 0.0f;
  for (var j = local; j < shape.keys; j += INVOCATIONS) {
    weights[j] = exp(weights[j] - highest);
    sum += weights[j];
  }
  // The barriers of this reduction also publish the weights to the whole workgroup.
  let total = reduce_sum(sum, local);

  for (var d = local; d < shape.head_dim; d += INVOCATIONS) {
    let c = first + d;
    var value = 0.0f;
    for (var j = 0u; j < shape.keys; j++) {
      value += weights[j] * memory[${at('v', 'batch', 'c', 'j')}];
    }
    y[${at('y', 'batch', 'c', 'token')}] = value / total;
  }
}
`;
  return { label: `attention up to ${p.maxKeys} keys`, code, bindings };
}
