import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * Normalises raw observations into the conditioning vector:
 *
 *     y[b, f, d] = (x[b, f, d] − s[d].x) / s[d].y · s[d].z + s[d].w
 *
 * for frame f of `frames` and value d of `width` values per frame. The four constants of a value express every mode
 * (min-max: min, max − min, 2, −1; mean-std: mean, std + ε, 1, 0; identity: 0, 1, 1, 0).
 * Bindings: x, y f32 [b][frames][width] · statistics vec4f [width]. An invocation owns one value.
 */
export function normalizeKernel(frames: number, width: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'statistics', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const elements = frames * width;
  const code = wgsl`
${declareBindings(bindings)}

const ELEMENTS: u32 = ${elements}u;
const WIDTH: u32 = ${width}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let s = statistics[id.x % WIDTH];
  y[index] = (x[index] - s.x) / s.y * s.z + s.w;
}
`;
  return { label: `normalize ${frames}x${width}`, code, bindings };
}
