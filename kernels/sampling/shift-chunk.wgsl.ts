import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * The previous chunk moved forward in time, the guess of a user without a trained predictor:
 *
 *     y[b, j, a] = x[b, min(j + rows, horizon − 1), a]
 *
 * Bindings: x, y f32 [b][horizon][actionDim]. An invocation owns one value.
 */
export function shiftChunkKernel(horizon: number, actionDim: number, rows: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}

const HORIZON: u32 = ${horizon}u;
const ACTION_DIM: u32 = ${actionDim}u;
const ELEMENTS: u32 = HORIZON * ACTION_DIM;
const ROWS: u32 = ${rows}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let row = min(id.x / ACTION_DIM + ROWS, HORIZON - 1u);
  y[id.z * ELEMENTS + id.x] = x[id.z * ELEMENTS + row * ACTION_DIM + id.x % ACTION_DIM];
}
`;
  return { label: `shift_chunk ${horizon}x${actionDim} by ${rows}`, code, bindings };
}
