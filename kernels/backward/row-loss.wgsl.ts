import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { OWNERS_AT_ONCE } from '../lib/owners.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * What is summed: (y − t)², the pseudo-Huber loss of Consistency Policy, y · t, a surrogate whose gradient is t, or ½ y² − t y, which is least
 * where y is t, and says nothing of t itself (BRIDGER).
 */
export type RowLossKind = 'square' | 'huber' | 'product' | 'energy';

export const ROW_LOSS_SIZES = [
  'samples',
  'places',
  'channels',
  'y_offset',
  'y_row',
  'target_offset',
  'target_row',
  'dy_offset',
  'dy_row',
  'first_loss',
  /** Bits of δ. */
  'delta',
] as const;

export const ROW_LOSS_WORKGROUP = OWNERS_AT_ONCE;

/**
 * A weighted loss of rows and its gradient, N from the host:
 *
 *     L = (1/N) Σ w[n] ℓ(y[n, c], t[n, c])        dy = w ℓ'(y, t) / N
 *     square ℓ = (y − t)²        huber ℓ = √((y − t)⁴ + δ²) − δ        product ℓ = y t        energy ℓ = ½ y² − t y
 *
 * The Huber loss is computed as e⁴ / (√(e⁴ + δ²) + δ), in which nothing cancels. Bindings: shape · step · y, target f32 rows · weights f32
 * [n] · dy f32 rows · losses f32: Σ w ℓ of sample b at first_loss + b. What pads a row of dy becomes 0. An invocation owns a sample.
 */
export function rowLossKernel(kind: RowLossKind): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'y', access: 'read', type: 'array<f32>' },
    { name: 'expected', access: 'read', type: 'array<f32>' },
    { name: 'weights', access: 'read', type: 'array<f32>' },
    { name: 'dy', access: 'read_write', type: 'array<f32>' },
    { name: 'losses', access: 'read_write', type: 'array<f32>' },
  ];
  const terms: Record<RowLossKind, string> = {
    square: 'let e = value - target_value;\n        loss += weight * e * e;\n        gradient = 2.0f * e;',
    huber: `let e = value - target_value;
        let squared = e * e;
        let root = sqrt(squared * squared + delta * delta);
        loss += weight * (squared * squared / (root + delta));
        gradient = 2.0f * e * squared / root;`,
    product: 'loss += weight * value * target_value;\n        gradient = target_value;',
    energy: 'loss += weight * value * (0.5f * value - target_value);\n        gradient = value - target_value;',
  };
  const code = wgsl`
${declareShape(ROW_LOSS_SIZES)}
${stepStruct}
${declareBindings(bindings)}

@compute @workgroup_size(${ROW_LOSS_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch >= shape.samples) {
    return;
  }
  let delta = bitcast<f32>(shape.delta);
  var loss = 0.0f;
  for (var t = 0u; t < shape.places; t++) {
    let n = batch * shape.places + t;
    let weight = weights[n];
    for (var channel = 0u; channel < shape.dy_row; channel++) {
      var gradient = 0.0f;
      if (channel < shape.channels) {
        let value = y[shape.y_offset + n * shape.y_row + channel];
        let target_value = expected[shape.target_offset + n * shape.target_row + channel];
        ${terms[kind]}
        gradient *= step.inverse_count * weight;
      }
      dy[shape.dy_offset + n * shape.dy_row + channel] = gradient;
    }
  }
  losses[shape.first_loss + batch] = loss;
}
`;
  return { label: `row_loss ${kind}`, code, bindings };
}
