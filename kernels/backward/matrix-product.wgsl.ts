import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { unroll, wgsl } from '../lib/wgsl.js';

/** Where a matrix lies in a buffer of f32, in elements. */
export interface MatrixPlace {
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface MatrixProductSizes {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** Terms of a split; splits are matrices of c one after the other. */
  readonly splitInner: number;
  readonly a: MatrixPlace;
  readonly b: MatrixPlace;
  readonly c: MatrixPlace;
  /** First bias. */
  readonly biasOffset: number;
}

/** The kernel's `shape`. */
export function matrixProductShape({ rows, columns, inner, splitInner, a, b, c, biasOffset }: MatrixProductSizes): number[] {
  const places = [a, b, c].flatMap(({ offset, rowStride, columnStride }) => [offset, rowStride, columnStride]);
  return [rows, columns, inner, splitInner, ...places, biasOffset];
}

const PLACES = ['a', 'b', 'c'].flatMap((name) => ['offset', 'row', 'column'].map((field) => `${name}_${field}`));
const SIZES = ['rows', 'columns', 'inner', 'split_inner', ...PLACES, 'bias_offset'];

export interface MatrixProductParameters {
  readonly bias: boolean;
  /** Whether c keeps what it has. */
  readonly accumulate: boolean;
}

function bindingsOf({ bias }: MatrixProductParameters): KernelBinding[] {
  return [
    SHAPE_BINDING,
    { name: 'a', access: 'read', type: 'array<f32>' },
    { name: 'b', access: 'read', type: 'array<f32>' },
    ...(bias ? [{ name: 'bias', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'c', access: 'read_write', type: 'array<f32>' },
  ];
}

/** `finish(split, row, column, sum)`: stores the elements of four columns that are inside. */
function finish({ bias, accumulate }: MatrixProductParameters): string {
  return wgsl`fn finish(split: u32, row: u32, column: u32, sum: vec4f) {
  let first = shape.c_offset + split * shape.rows * shape.columns + row * shape.c_row;
  for (var j = 0u; j < min(4u, shape.columns - column); j++) {
    let at = first + (column + j) * shape.c_column;
    c[at] = ${accumulate ? 'c[at] + ' : ''}sum[j]${bias ? ' + bias[shape.bias_offset + column + j]' : ''};
  }
}`;
}

const FORMULA_LABEL = ({ bias, accumulate }: MatrixProductParameters): string =>
  `${bias ? ', bias' : ''}${accumulate ? ', accumulate' : ''}`;

/** Invocations of a workgroup of the lanes kernel, four columns each. */
export const PRODUCT_LANES = 8;

export interface ProductLanesParameters extends MatrixProductParameters {
  /** Rows of a workgroup, all of an invocation's; a multiple of the size of a subgroup. */
  readonly rows: number;
  /** Invocations of a subgroup, which load different rows and hand them round; 1: every invocation loads all rows. */
  readonly subgroup: number;
}

/**
 * A product of matrices of any layout, for software drivers:
 *
 *     c[s, m, n] = (c[s, m, n] +) Σ_k a[m, k] · b[k, n] (+ bias[n])        over the terms k of split s
 *
 * A linear layer and its gradients are three of these: a transpose is a layout. A workgroup owns PRODUCT_LANES · 4 columns and `rows`
 * rows of a split, an invocation four columns and all rows: a reduction belongs to one invocation, in ascending k, and there is no
 * barrier. Every invocation needs the same values of a; a load costs a software driver far more than handing round a register, so
 * where there are subgroups each of their invocations loads the values of its own rows for all.
 *
 * Bindings: shape · a, b f32 · bias f32 where there is one · c f32. Rows and columns past the last one are computed from the last one
 * and not stored.
 */
export function productLanesKernel(p: ProductLanesParameters): Kernel {
  const { rows, subgroup } = p;
  if (rows % subgroup !== 0) throw new TypeError(`matrix product: ${rows} rows are no whole subgroups of ${subgroup}`);
  const slots = rows / subgroup;
  const shared = subgroup > 1;
  const value = (row: number): string => (shared ? `subgroupBroadcast(v${Math.floor(row / subgroup)}, ${row % subgroup}u)` : `v${row}`);
  const bindings = bindingsOf(p);
  const code = wgsl`${shared ? 'enable subgroups;' : ''}
${declareShape(SIZES)}
${declareBindings(bindings)}

const ROWS: u32 = ${rows}u;
const LANES: u32 = ${PRODUCT_LANES}u;

${finish(p)}

@compute @workgroup_size(${PRODUCT_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
${shared ? '  @builtin(subgroup_invocation_id) member: u32,' : ''}
) {
  let column = (workgroup.x * LANES + local) * 4u;
  let first_row = workgroup.y * ROWS;
  let begin = workgroup.z * shape.split_inner;
  let end = min(begin + shape.split_inner, shape.inner);
${unroll(
  slots,
  (
    slot,
  ) => `  var a${slot} = shape.a_offset + min(first_row + ${slot * subgroup}u${shared ? ' + member' : ''}, shape.rows - 1u) * shape.a_row
    + begin * shape.a_column;`,
)}
${unroll(4, (j) => `  var b${j} = shape.b_offset + min(column + ${j}u, shape.columns - 1u) * shape.b_column + begin * shape.b_row;`)}
${unroll(rows, (row) => `  var sum${row} = vec4f();`)}
  for (var k = begin; k < end; k++) {
    let w = vec4f(b[b0], b[b1], b[b2], b[b3]);
${unroll(slots, (slot) => `    let v${slot} = a[a${slot}];`)}
${unroll(4, (j) => `    b${j} += shape.b_row;`)}
${unroll(slots, (slot) => `    a${slot} += shape.a_column;`)}
${unroll(rows, (row) => `    sum${row} = fma(vec4f(${value(row)}), w, sum${row});`)}
  }
  if (column >= shape.columns) {
    return;
  }
  // One store in a loop, and the sums move on: text for every row takes a software driver long to compile.
  let count = min(ROWS, shape.rows - first_row);
  for (var i = 0u; i < count; i++) {
    finish(workgroup.z, first_row + i, column, sum0);
${unroll(rows, (row) => `    sum${row} = ${row + 1 < rows ? `sum${row + 1}` : 'vec4f()'};`)}
  }
}
`;
  return { label: `product lanes ${rows}${shared ? ` subgroup ${subgroup}` : ''}${FORMULA_LABEL(p)}`, code, bindings };
}

/** Rows, columns and terms of a tile of the tiled kernel, and what an invocation owns of each side. */
export const PRODUCT_TILE = { side: 32, inner: 16, each: 4 } as const;

export interface ProductTiledParameters extends MatrixProductParameters {
  /** Along which axis neighbours of a (b) lie side by side in memory, so that loads of neighbouring invocations do. */
  readonly aAlong: 'inner' | 'rows';
  readonly bAlong: 'inner' | 'columns';
}

/**
 * The same product for GPUs. A workgroup owns a tile of 32 × 32 elements of a split and brings tiles of 16 terms of a and b to workgroup
 * memory; an invocation owns 4 × 4 elements, and adds up in ascending k.
 */
export function productTiledKernel(p: ProductTiledParameters): Kernel {
  const { side, inner, each } = PRODUCT_TILE;
  const across = side / each;
  const invocations = across * across;
  const bindings = bindingsOf(p);
  const place = (along: boolean): string =>
    along ? `let k = e % INNER;\n    let i = e / INNER;` : `let k = e / SIDE;\n    let i = e % SIDE;`;
  const code = wgsl`
${declareShape(SIZES)}
${declareBindings(bindings)}

const SIDE: u32 = ${side}u;
const INNER: u32 = ${inner}u;
const INVOCATIONS: u32 = ${invocations}u;
var<workgroup> a_tile: array<f32, ${inner * side}>;
var<workgroup> b_tile: array<f32, ${inner * side}>;

${finish(p)}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let first_column = workgroup.x * SIDE;
  let first_row = workgroup.y * SIDE;
  let begin = workgroup.z * shape.split_inner;
  let end = min(begin + shape.split_inner, shape.inner);
  let row = local / ${across}u * ${each}u;
  let column = local % ${across}u * ${each}u;
${unroll(each, (i) => `  var sum${i} = vec4f();`)}
  for (var start = begin; start < end; start += INNER) {
    workgroupBarrier();
    for (var e = local; e < INNER * SIDE; e += INVOCATIONS) {
    ${place(p.aAlong === 'inner')}
      let term = start + k;
      let at = shape.a_offset + min(first_row + i, shape.rows - 1u) * shape.a_row + min(term, end - 1u) * shape.a_column;
      a_tile[k * SIDE + i] = select(0.0f, a[at], term < end);
    }
    for (var e = local; e < INNER * SIDE; e += INVOCATIONS) {
    ${place(p.bAlong === 'inner')}
      let term = start + k;
      let at = shape.b_offset + min(first_column + i, shape.columns - 1u) * shape.b_column + min(term, end - 1u) * shape.b_row;
      b_tile[k * SIDE + i] = select(0.0f, b[at], term < end);
    }
    workgroupBarrier();
    for (var k = 0u; k < INNER; k++) {
      let at_a = k * SIDE + row;
      let at_b = k * SIDE + column;
      let w = vec4f(b_tile[at_b], b_tile[at_b + 1u], b_tile[at_b + 2u], b_tile[at_b + 3u]);
${unroll(each, (i) => `      sum${i} = fma(vec4f(a_tile[at_a + ${i}u]), w, sum${i});`)}
    }
  }
  if (first_column + column >= shape.columns) {
    return;
  }
  let count = min(${each}u, max(first_row + row, shape.rows) - first_row - row);
${unroll(each, (i) => `  if (${i}u < count) {\n    finish(workgroup.z, first_row + row + ${i}u, first_column + column, sum${i});\n  }`)}
}
`;
  return { label: `product tiled, a along ${p.aAlong}, b along ${p.bAlong}${FORMULA_LABEL(p)}`, code, bindings };
}
