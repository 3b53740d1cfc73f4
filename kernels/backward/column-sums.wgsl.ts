import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The kernel's `shape`. */
export function columnSumsShape(columns: number, rows: number, blockRows: number): number[] {
  return [columns, rows, blockRows];
}

/**
 * Partial sums of the columns of a matrix: the gradient of a bias, or of rows that all samples share:
 *
 *     partial[k, c] = Σ_r x[r, c]        over the rows of block k
 *
 * Bindings: shape · x f32 [rows][columns] · partial f32 [blocks][columns]. An invocation owns a column of a block.
 */
export function columnSumsKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'partial', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['columns', 'rows', 'block_rows'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.columns) {
    return;
  }
  let begin = id.y * shape.block_rows;
  var sum = 0.0f;
  for (var row = begin; row < min(begin + shape.block_rows, shape.rows); row++) {
    sum += x[row * shape.columns + id.x];
  }
  partial[id.y * shape.columns + id.x] = sum;
}
`;
  return { label: 'column_sums', code, bindings };
}
