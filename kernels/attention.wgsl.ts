import { at, declareBindings, type ActivationLayout, type Kernel, type KernelBinding } from './kernel.js';
import { workgroupReduction } from './reduce.wgsl.js';
import { f32, wgsl } from './wgsl.js';

export interface AttentionParameters {
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  /** Power of two. */
  readonly invocations: number;
  /** Channel h·headDim + d of a token belongs to head h. */
  readonly q: ActivationLayout;
  readonly k: ActivationLayout;
  readonly v: ActivationLayout;
  readonly y: ActivationLayout;
}

/**
 * Multi-head attention (Vaswani et al. 2017), without mask:
 *
 *     s[j]        = Σ_d q[n, h, d] · k[j, h, d] / √headDim
 *     y[n, h, d]  = Σ_j softmax(s)[j] · v[j, h, d]
 *
 * Self-attention reads q, k and v from one product with `in_proj`, cross-attention from two; both are only layouts.
 * Bindings: queries, memory (k and v), y f32 by layout. A workgroup owns one query of one head of one sample;
 * invocations share the keys, then the channels of the head.
 */
export function attentionKernel(p: AttentionParameters): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'queries', access: 'read', type: 'array<f32>' },
    { name: 'memory', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}

const KEYS: u32 = ${p.keys}u;
const HEAD_DIM: u32 = ${p.headDim}u;
const INVOCATIONS: u32 = ${p.invocations}u;
const SCALE: f32 = ${f32(1 / Math.sqrt(p.headDim))};
const LOWEST: f32 = -3.0e38f;

${workgroupReduction(p.invocations, ['sum', 'max'])}
var<workgroup> weights: array<f32, ${p.keys}>;

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let first = workgroup.y * HEAD_DIM;
  let batch = workgroup.z;

  var highest = LOWEST;
  for (var j = local; j < KEYS; j += INVOCATIONS) {
    var dot_product = 0.0f;
    for (var d = 0u; d < HEAD_DIM; d++) {
      let c = first + d;
      dot_product += queries[${at(p.q, 'batch', 'c', 'token')}] * memory[${at(p.k, 'batch', 'c', 'j')}];
    }
    weights[j] = dot_product * SCALE;
    highest = max(highest, weights[j]);
  }
  // Subtracting the maximum keeps every exponential at most 1.
  highest = reduce_max(highest, local);

  var sum = 0.0f;
  for (var j = local; j < KEYS; j += INVOCATIONS) {
    weights[j] = exp(weights[j] - highest);
    sum += weights[j];
  }
  // The barriers of this reduction also publish the weights to the whole workgroup.
  let total = reduce_sum(sum, local);

  for (var d = local; d < HEAD_DIM; d += INVOCATIONS) {
    let c = first + d;
    var value = 0.0f;
    for (var j = 0u; j < KEYS; j++) {
      value += weights[j] * memory[${at(p.v, 'batch', 'c', 'j')}];
    }
    y[${at(p.y, 'batch', 'c', 'token')}] = value / total;
  }
}
`;
  return { label: `attention ${p.queries}x${p.keys} h${p.heads} d${p.headDim}`, code, bindings };
}
