import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { OWNERS_AT_ONCE } from '../lib/owners.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

export const ERROR_SIZES = ['rows', 'places', 'channels', 'row'] as const;

/** Samples, and invocations, of a workgroup. */
export const ERROR_WORKGROUP = OWNERS_AT_ONCE;

/**
 * The loss and its gradient:
 *
 *     L = (1/N) Σ m[b, t] (y − target)²        dy = 2 m (y − target) / N
 *
 * m: 1 where a row counts, 0 where it is padding or past the end of a short batch; N: the elements that count, from the host.
 *
 * Bindings: shape · step · y f32 rows [b·length + t][row] · target f32 [b][t][d] · counts f32 [b][t] · dy f32 rows, 0 past the channels ·
 * losses f32 [b]: Σ m (y − target)² of a sample. An invocation owns a sample.
 */
export function meanSquaredErrorKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'y', access: 'read', type: 'array<f32>' },
    { name: 'expected', access: 'read', type: 'array<f32>' },
    { name: 'counts', access: 'read', type: 'array<f32>' },
    { name: 'dy', access: 'read_write', type: 'array<f32>' },
    { name: 'losses', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(ERROR_SIZES)}
${stepStruct}
${declareBindings(bindings)}

@compute @workgroup_size(${ERROR_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch * shape.places >= shape.rows) {
    return;
  }
  var loss = 0.0f;
  for (var t = 0u; t < shape.places; t++) {
    let n = batch * shape.places + t;
    let weight = counts[n];
    var row_loss = 0.0f;
    for (var channel = 0u; channel < shape.row; channel++) {
      var gradient = 0.0f;
      if (channel < shape.channels) {
        let difference = y[n * shape.row + channel] - expected[n * shape.channels + channel];
        row_loss += weight * difference * difference;
        gradient = 2.0f * step.inverse_count * weight * difference;
      }
      dy[n * shape.row + channel] = gradient;
    }
    loss += row_loss;
  }
  losses[batch] = loss;
}
`;
  return { label: 'mean_squared_error', code, bindings };
}
