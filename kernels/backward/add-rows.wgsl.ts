import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const ADD_WORKGROUP = 64;

export const ADD_ROWS_SIZES = ['rows', 'groups', 'a_offset', 'a_row', 'b_offset', 'b_row', 'y_offset', 'y_row'] as const;

/**
 * Two gradients of one value: y[n, c] = a[n, c] + b[n, c].
 *
 * Bindings: shape · a, b, y vec4f rows [n][channels / 4], at an offset and a distance of their own. An invocation owns a vec4 of y.
 */
export function addRowsKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'a', access: 'read', type: 'array<vec4f>' },
    { name: 'b', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(ADD_ROWS_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${ADD_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(ADD_WORKGROUP)};
  let n = e / shape.groups;
  let c = e % shape.groups;
  if (n < shape.rows) {
    y[shape.y_offset + n * shape.y_row + c] = a[shape.a_offset + n * shape.a_row + c] + b[shape.b_offset + n * shape.b_row + c];
  }
}
`;
  return { label: 'add_rows', code, bindings };
}
