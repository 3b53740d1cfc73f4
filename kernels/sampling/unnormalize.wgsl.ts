import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * Un-normalises a chunk into actions:
 *
 *     x[b, j, a] = (y[b, j, a] + s[a].x) · s[a].y · s[a].z + s[a].w
 *
 * for row j of `horizon` and action dimension a (min-max: 1, ½, max − min, min; mean-std: 0, 1, std, mean).
 * Bindings: y, x f32 [b][horizon][actionDim] · statistics vec4f [actionDim]. An invocation owns one value.
 */
export function unnormalizeKernel(horizon: number, actionDim: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'y', access: 'read', type: 'array<f32>' },
    { name: 'statistics', access: 'read', type: 'array<vec4f>' },
    { name: 'x', access: 'read_write', type: 'array<f32>' },
  ];
  const elements = horizon * actionDim;
  const code = wgsl`
${declareBindings(bindings)}

const ELEMENTS: u32 = ${elements}u;
const ACTION_DIM: u32 = ${actionDim}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let s = statistics[id.x % ACTION_DIM];
  x[index] = (y[index] + s.x) * s.y * s.z + s.w;
}
`;
  return { label: `unnormalize ${horizon}x${actionDim}`, code, bindings };
}
