import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Elements, and invocations, of a workgroup. */
export const SPREAD_WORKGROUP = 64;

export const SPREAD_SIZES = ['rows', 'places', 'channels', 'x_offset', 'x_row', 'y_offset', 'y_row'] as const;

/**
 * A row of every sample at each of its places: y[b·places + t, c] = x[b, c]. Nothing learns from its gradient.
 *
 * Bindings: shape · x, y f32 rows. An invocation owns an element of y; what lies beside its channels is left as it is.
 */
export function spreadRowsKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(SPREAD_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${SPREAD_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(SPREAD_WORKGROUP)};
  if (e >= shape.rows * shape.channels) {
    return;
  }
  let row = e / shape.channels;
  let c = e % shape.channels;
  y[shape.y_offset + row * shape.y_row + c] = x[shape.x_offset + row / shape.places * shape.x_row + c];
}
`;
  return { label: 'spread_rows', code, bindings };
}
