import { reluOf } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { unroll, wgsl } from '../lib/wgsl.js';

/** Sides of a tile of outputs, and of the inputs that it depends on. */
export const WINOGRAD_TILE = 2;
const PATCH = 4;
/** Products of a tile, instead of 36: a position of the patch each. */
export const WINOGRAD_POSITIONS = PATCH * PATCH;

export interface WinogradSizes {
  readonly planes: number;
  readonly height: number;
  readonly width: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  /** Samples that follow one another and share an encoder. */
  readonly frames: number;
}

/** The `shape` of both kernels. */
export function winogradShape({ planes, height, width, tileRows, tileColumns, frames }: WinogradSizes): number[] {
  return [planes, height, width, tileRows, tileColumns, frames];
}

const SIZES = ['planes', 'height', 'width', 'tile_rows', 'tile_columns', 'frames'] as const;

/**
 * Weights [pair of channels][3×3] in the space of the products: G g Gᵀ with G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1] (Lavin and Gray 2015,
 * F(2×2, 3×3)), position by position. In float64, each result rounded once.
 */
export function transformWeights(weights: Float32Array): Float32Array[] {
  const pairs = weights.length / 9;
  const positions = Array.from({ length: WINOGRAD_POSITIONS }, () => new Float32Array(pairs));
  const rows = new Float64Array(3 * PATCH);
  for (let pair = 0; pair < pairs; pair++) {
    // G g, column by column of g.
    for (let column = 0; column < 3; column++) {
      const at = pair * 9 + column;
      const [a, b, c] = [weights[at] as number, weights[at + 3] as number, weights[at + 6] as number];
      rows[column] = a;
      rows[3 + column] = (a + b + c) / 2;
      rows[6 + column] = (a - b + c) / 2;
      rows[9 + column] = c;
    }
    for (let row = 0; row < PATCH; row++) {
      const [a, b, c] = [rows[3 * row] as number, rows[3 * row + 1] as number, rows[3 * row + 2] as number];
      const first = PATCH * row;
      (positions[first] as Float32Array)[pair] = a;
      (positions[first + 1] as Float32Array)[pair] = (a + b + c) / 2;
      (positions[first + 2] as Float32Array)[pair] = (a - b + c) / 2;
      (positions[first + 3] as Float32Array)[pair] = c;
    }
  }
  return positions;
}

/** Index of a map [encoder][position][frame][planes][tiles], with the first sample of an encoder as `first`. */
const PLACE = `fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * ${WINOGRAD_POSITIONS}u + position) * shape.frames + sample % shape.frames;
  return (map * shape.planes + plane) * shape.tile_rows * shape.tile_columns + tile;
}`;

/**
 * Patches of a feature map in the space of the products of F(2×2, 3×3): Bᵀ d B for the 4×4 patch d of every tile of outputs,
 * B = [1 0 0 0; 0 1 −1 1; −1 1 1 0; 0 0 0 −1], zeros outside. Then a 3×3 convolution with stride 1 and padding 1 is one product of
 * matrices for each of 16 positions, 4 multiplications for an output instead of 9.
 *
 * Bindings: shape · x, a feature map · y, feature maps [encoder][position][frame] of tile_rows × tile_columns. An invocation owns a
 * tile of one plane.
 */
export function winogradInputKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(SIZES)}
${declareBindings(bindings)}

${PLACE}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tiles = shape.tile_rows * shape.tile_columns;
  if (id.x >= tiles) {
    return;
  }
  let first_row = i32(id.x / shape.tile_columns * ${WINOGRAD_TILE}u) - 1;
  let first_column = i32(id.x % shape.tile_columns * ${WINOGRAD_TILE}u) - 1;
  let first = (id.z * shape.planes + id.y) * shape.height * shape.width;
  // Bᵀ d, row by row of d.
  var r0: array<vec4f, 4>;
  var r1: array<vec4f, 4>;
  var r2: array<vec4f, 4>;
  var r3: array<vec4f, 4>;
  for (var j = 0u; j < ${PATCH}u; j++) {
    let column = first_column + i32(j);
    let inside = u32(column) < shape.width;
    let at = first + select(0u, u32(column), inside);
    let d0 = select(vec4f(), x[at + u32(max(first_row, 0)) * shape.width], inside && first_row >= 0);
    let d1 = select(vec4f(), x[at + u32(first_row + 1) * shape.width], inside);
    let d2 = select(vec4f(), x[at + min(u32(first_row + 2), shape.height - 1u) * shape.width], inside && u32(first_row + 2) < shape.height);
    let d3 = select(vec4f(), x[at + min(u32(first_row + 3), shape.height - 1u) * shape.width], inside && u32(first_row + 3) < shape.height);
    r0[j] = d0 - d2;
    r1[j] = d1 + d2;
    r2[j] = d2 - d1;
    r3[j] = d1 - d3;
  }
${unroll(
  PATCH,
  (i) => `  y[place(id.z, ${4 * i}u, id.y, id.x)] = r${i}[0] - r${i}[2];
  y[place(id.z, ${4 * i + 1}u, id.y, id.x)] = r${i}[1] + r${i}[2];
  y[place(id.z, ${4 * i + 2}u, id.y, id.x)] = r${i}[2] - r${i}[1];
  y[place(id.z, ${4 * i + 3}u, id.y, id.x)] = r${i}[1] - r${i}[3];`,
)}
}
`;
  return { label: 'winograd_input', code, bindings };
}

export interface WinogradOutputParameters {
  readonly invocations: number;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
}

/**
 * Outputs of F(2×2, 3×3) from its products m: relu( Aᵀ m A + bias[c] + residual ), A = [1 0; 1 1; 1 −1; 0 −1].
 *
 * Bindings: shape · x, feature maps [encoder][position][frame] of tile_rows × tile_columns · bias vec4f [encoder][planes] · residual,
 * y, feature maps. An invocation owns a tile of one plane.
 */
export function winogradOutputKernel(p: WinogradOutputParameters): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<vec4f>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(SIZES)}
${declareBindings(bindings)}

${PLACE}

fn finish(at: u32, products: vec4f, channels: u32) {
  var value = products;
  #if ${p.bias}
  value += bias[channels];
  #endif
  #if ${p.residual}
  value += residual[at];
  #endif
  y[at] = ${p.relu ? reluOf('value') : 'value'};
}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.tile_rows * shape.tile_columns) {
    return;
  }
  // Aᵀ m, column by column of m.
  var upper: array<vec4f, 4>;
  var lower: array<vec4f, 4>;
  for (var j = 0u; j < ${PATCH}u; j++) {
    let m0 = x[place(id.z, j, id.y, id.x)];
    let m1 = x[place(id.z, ${PATCH}u + j, id.y, id.x)];
    let m2 = x[place(id.z, ${2 * PATCH}u + j, id.y, id.x)];
    let m3 = x[place(id.z, ${3 * PATCH}u + j, id.y, id.x)];
    upper[j] = m0 + m1 + m2;
    lower[j] = m1 - m2 - m3;
  }
  let row = id.x / shape.tile_columns * ${WINOGRAD_TILE}u;
  let column = id.x % shape.tile_columns * ${WINOGRAD_TILE}u;
  let at = ((id.z * shape.planes + id.y) * shape.height + row) * shape.width + column;
  let channels = id.z / shape.frames * shape.planes + id.y;
  let is_right = column + 1u < shape.width;
  finish(at, upper[0] + upper[1] + upper[2], channels);
  if (is_right) {
    finish(at + 1u, upper[1] - upper[2] - upper[3], channels);
  }
  if (row + 1u < shape.height) {
    finish(at + shape.width, lower[0] + lower[1] + lower[2], channels);
    if (is_right) {
      finish(at + shape.width + 1u, lower[1] - lower[2] - lower[3], channels);
    }
  }
}
`;
  const parts = ['winograd_output', ...(p.bias ? ['bias'] : []), ...(p.residual ? ['residual'] : []), ...(p.relu ? ['relu'] : [])];
  return { label: parts.join(', '), code, bindings };
}
