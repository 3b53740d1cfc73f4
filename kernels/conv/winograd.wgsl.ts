import { reluOf } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { type MapPlace, mapParts, readMap, writtenMap } from '../lib/map-place.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { type WinogradTile, winogradPositions, winogradTransforms } from './winograd-transforms.js';

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

/** Index of a map [encoder][position][frame][planes][tiles], with the first sample of an encoder as `first`. */
function placeFunction(tile: WinogradTile): string {
  return `fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * ${winogradPositions(tile)}u + position) * shape.frames + sample % shape.frames;
  return (map * shape.planes + plane) * shape.tile_rows * shape.tile_columns + tile;
}`;
}

/** `tile` and `plane` of an invocation; those past the last plane have nothing to do. */
const OWN_TILE = `  let tiles = shape.tile_rows * shape.tile_columns;
  if (id.x >= tiles * shape.planes) {
    return;
  }
  let tile = id.x % tiles;
  let plane = id.x / tiles;`;

/**
 * Patches of a feature map in the space of the products of F(m×m, 3×3): Bᵀ d B for the patch d of (m + 2)² inputs of every tile of m×m outputs,
 * zeros outside (winograd-transforms.ts). Then a 3×3 convolution with stride 1 and padding 1 is one product of matrices for each of
 * (m + 2)² positions: 4 multiplications for an output with m = 2, 2¼ with m = 4, instead of 9.
 *
 * Bindings: shape · x, a feature map · y, feature maps [encoder][position][frame] of tile_rows × tile_columns. An invocation owns a
 * tile of one plane. `place`: where x lies; patches lie in a buffer, since they are stored once and read once.
 */
export function winogradInputKernel(invocations: number, tile: WinogradTile, place: MapPlace = 'buffer'): Kernel {
  const { patch, input } = winogradTransforms(tile);
  const x = readMap('x', place);
  const bindings: KernelBinding[] = [SHAPE_BINDING, x.binding, { name: 'y', access: 'read_write', type: 'array<vec4f>' }];
  // The first row of outputs is in the map, so the second one of inputs is.
  const load = (k: number): string => {
    if (k === 0) return `select(vec4f(), ${x.load('at + u32(max(first_row, 0)) * shape.width')}, inside && first_row >= 0)`;
    if (k === 1) return `select(vec4f(), ${x.load('at + u32(first_row + 1) * shape.width')}, inside)`;
    const row = `u32(first_row + ${k})`;
    return `select(vec4f(), ${x.load(`at + min(${row}, shape.height - 1u) * shape.width`)}, inside && ${row} < shape.height)`;
  };
  const along = input((k) => `d${k}`);
  const across = (i: number): string => {
    const { definitions, results } = input((k) => `r${i}[${k}]`);
    return `  {
${definitions.map((line) => `    ${line}\n`).join('')}${results.map((value, j) => `    y[place(id.z, ${i * patch + j}u, plane, tile)] = ${value};`).join('\n')}
  }`;
  };
  const code = wgsl`
${declareShape(SIZES)}
${declareBindings(bindings)}${x.declaration}

${placeFunction(tile)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
${OWN_TILE}
  let first_row = i32(tile / shape.tile_columns * ${tile}u) - 1;
  let first_column = i32(tile % shape.tile_columns * ${tile}u) - 1;
  let first = (id.z * shape.planes + plane) * shape.height * shape.width;
  // Bᵀ d, row by row of d.
${unroll(patch, (i) => `  var r${i}: array<vec4f, ${patch}>;`)}
  for (var j = 0u; j < ${patch}u; j++) {
    let column = first_column + i32(j);
    let inside = u32(column) < shape.width;
    let at = first + select(0u, u32(column), inside);
${unroll(patch, (k) => `    let d${k} = ${load(k)};`)}
${along.definitions.map((line) => `    ${line}\n`).join('')}${along.results.map((value, i) => `    r${i}[j] = ${value};`).join('\n')}
  }
${unroll(patch, across)}
}
`;
  return { label: [`winograd_input ${tile}x${tile}`, ...mapParts({ x: place })].join(', '), code, bindings };
}

export interface WinogradOutputParameters {
  readonly invocations: number;
  readonly tile: WinogradTile;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
  /** Where maps lie; default buffers. */
  readonly maps?: { readonly x?: MapPlace; readonly residual?: MapPlace; readonly y?: MapPlace };
}

/**
 * Outputs of F(m×m, 3×3) from its products: relu( Aᵀ M A + bias[c] + residual ) (winograd-transforms.ts).
 *
 * Bindings: shape · x, feature maps [encoder][position][frame] of tile_rows × tile_columns · bias vec4f [encoder][planes] · residual,
 * y, feature maps. An invocation owns a tile of one plane.
 */
export function winogradOutputKernel(p: WinogradOutputParameters): Kernel {
  const { tile, maps = {} } = p;
  const x = readMap('x', maps.x);
  const residual = readMap('residual', maps.residual);
  const y = writtenMap('y', maps.y);
  const { patch, output } = winogradTransforms(tile);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    x.binding,
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.residual ? [residual.binding] : []),
    y.binding,
  ];
  const along = output((k) => `m${k}`);
  const across = (i: number): string => {
    const { definitions, results } = output((k) => `r${i}[${k}]`);
    const store = (value: string, j: number): string =>
      j === 0
        ? `    finish(at + ${i}u * shape.width, ${value}, channels);`
        : `    if (column + ${j}u < shape.width) {\n      finish(at + ${i}u * shape.width + ${j}u, ${value}, channels);\n    }`;
    return `  if (row + ${i}u < shape.height) {
${definitions.map((line) => `    ${line}\n`).join('')}${results.map(store).join('\n')}
  }`;
  };
  const code = wgsl`
${declareShape(SIZES)}
${declareBindings(bindings)}${x.declaration}${p.residual ? residual.declaration : ''}${y.declaration}

${placeFunction(tile)}

fn finish(at: u32, products: vec4f, channels: u32) {
  var value = products;
  #if ${p.bias}
  value += bias[channels];
  #endif
  #if ${p.residual}
  value += ${residual.load('at')};
  #endif
  ${y.store('at', p.relu ? reluOf('value') : 'value')}
}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
${OWN_TILE}
  // Aᵀ M, column by column of M.
${unroll(tile, (i) => `  var r${i}: array<vec4f, ${patch}>;`)}
  for (var j = 0u; j < ${patch}u; j++) {
${unroll(patch, (k) => `    let m${k} = ${x.load(`place(id.z, ${k * patch}u + j, plane, tile)`)};`)}
${along.definitions.map((line) => `    ${line}\n`).join('')}${along.results.map((value, i) => `    r${i}[j] = ${value};`).join('\n')}
  }
  let row = tile / shape.tile_columns * ${tile}u;
  let column = tile % shape.tile_columns * ${tile}u;
  let at = ((id.z * shape.planes + plane) * shape.height + row) * shape.width + column;
  let channels = id.z / shape.frames * shape.planes + plane;
${unroll(tile, across)}
}
`;
  const parts = [
    `winograd_output ${tile}x${tile}`,
    ...(p.bias ? ['bias'] : []),
    ...(p.residual ? ['residual'] : []),
    ...(p.relu ? ['relu'] : []),
    ...mapParts({ ...maps }),
  ];
  return { label: parts.join(', '), code, bindings };
}
