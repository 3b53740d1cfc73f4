import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { unroll, wgsl } from '../lib/wgsl.js';

/** Rows and columns of an invocation. */
export const HEAD_TILE = 4;

/** Where the matrices of all heads and samples lie in a buffer of f32, in elements. */
export interface HeadMatrices {
  readonly offset: number;
  readonly batchStride: number;
  readonly headStride: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface HeadProductSizes {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly factor: number;
  readonly a: HeadMatrices;
  readonly b: HeadMatrices;
  readonly c: HeadMatrices;
}

const MATRIX_FIELDS = ['offset', 'batch', 'head', 'row', 'column'] as const;

/** The kernel's `shape`. */
export function headProductShape({ rows, columns, inner, factor, a, b, c }: HeadProductSizes): number[] {
  const [factorBits = 0] = new Uint32Array(Float32Array.of(factor).buffer);
  const words = [a, b, c].flatMap((m) => [m.offset, m.batchStride, m.headStride, m.rowStride, m.columnStride]);
  return [rows, columns, inner, factorBits, ...words];
}

/**
 * A product of small matrices for every head h of every sample n:
 *
 *     c[n, h, i, j] = factor · Σ_k a[n, h, i, k] · b[n, h, k, j]
 *
 * Attention and its gradient are six of these: a transpose is a layout. Bindings: shape · a, b, c f32 by layout; a and b may be
 * one buffer. An invocation owns HEAD_TILE × HEAD_TILE elements of c and adds up in ascending k; rows and columns past the last
 * one are computed from the last one and not stored.
 */
export function headProductKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'a', access: 'read', type: 'array<f32>' },
    { name: 'b', access: 'read', type: 'array<f32>' },
    { name: 'c', access: 'read_write', type: 'array<f32>' },
  ];
  const fields = ['a', 'b', 'c'].flatMap((name) => MATRIX_FIELDS.map((field) => `${name}_${field}`));
  const code = wgsl`
${declareShape(['rows', 'columns', 'inner', 'factor', ...fields])}
${declareBindings(bindings)}

const TILE: u32 = ${HEAD_TILE}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column_tiles = (shape.columns + TILE - 1u) / TILE;
  let row = id.x / column_tiles * TILE;
  let column = id.x % column_tiles * TILE;
  if (row >= shape.rows) {
    return;
  }
  let a_first = shape.a_offset + id.z * shape.a_batch + id.y * shape.a_head;
  let b_first = shape.b_offset + id.z * shape.b_batch + id.y * shape.b_head;
${unroll(HEAD_TILE, (i) => `  var a${i} = a_first + min(row + ${i}u, shape.rows - 1u) * shape.a_row;`)}
${unroll(HEAD_TILE, (i) => `  var b${i} = b_first + min(column + ${i}u, shape.columns - 1u) * shape.b_column;`)}
${unroll(HEAD_TILE, (i) => `  var sum${i} = vec4f();`)}
  for (var k = 0u; k < shape.inner; k++) {
    let values = vec4f(b[b0], b[b1], b[b2], b[b3]);
${unroll(HEAD_TILE, (i) => `    sum${i} += a[a${i}] * values;`)}
${unroll(HEAD_TILE, (i) => `    a${i} += shape.a_column;\n    b${i} += shape.b_row;`)}
  }
  let factor = bitcast<f32>(shape.factor);
  let c_first = shape.c_offset + id.z * shape.c_batch + id.y * shape.c_head;
  let last = min(TILE, shape.columns - column);
  // One store in a loop, and the sums move on: text for every element takes a software driver long to compile.
  for (var i = row; i < min(row + TILE, shape.rows); i++) {
    for (var j = 0u; j < last; j++) {
      c[c_first + i * shape.c_row + (column + j) * shape.c_column] = sum0[j] * factor;
    }
    sum0 = sum1;
    sum1 = sum2;
    sum2 = sum3;
  }
}
`;
  return { label: 'head_product', code, bindings };
}
