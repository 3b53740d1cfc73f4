import { reluOf } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel } from '../lib/kernel.js';
import { BLOCK_LANES, chunkPairs, weightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { conv2dBindings, conv2dParts, conv2dValue } from './conv2d-pieces.wgsl.js';
import { CONV2D_SIZES, type Conv2dParameters } from './conv2d-shape.js';

/** How the work of a GPU's workgroup is cut. */
export interface Conv2dTile {
  /** Pixels of a workgroup, and of an invocation. */
  readonly pixels: number;
  readonly pixelsEach: number;
  /** Groups of four output channels of a workgroup, a multiple of BLOCK_LANES, and of an invocation. */
  readonly lanes: number;
  readonly lanesEach: number;
}

/** Units that are in workgroup memory at a time. */
export const TILE_UNITS = 4;

export interface Conv2dTiledParameters extends Conv2dParameters {
  readonly tile: Conv2dTile;
  /** Leaves sums without bias, residual and ReLU, for a reader that adds them up: y is [split][…]. */
  readonly split: boolean;
}

/** Invocations of a workgroup. */
export function tileInvocations({ pixels, pixelsEach, lanes, lanesEach }: Conv2dTile): number {
  return (pixels / pixelsEach) * (lanes / lanesEach);
}

/**
 * A 2-D convolution for GPUs:
 *
 *     y[b, o, r, c] = relu( bias[o] + Σ_κ Σ_i w[κ, i, o] · x[b, i, r·stride + κ_y − padding, c·stride + κ_x − padding] + residual[b, o, r, c] )
 *
 * Pixels outside the input count as 0. Bindings: shape · x, y, residual feature maps · weight in chunks (weight-storage.wgsl.ts),
 * rows (tap, channel) of conv2d-shape.ts, encoders one after the other in whole blocks · bias vec4f [encoder][out_planes] and for
 * int8 weight_scale f32 [encoder][blocks · 32].
 *
 * A workgroup owns a tile of pixels (of all frames of an encoder, row by row) and of output channels. It brings the inputs and weights of
 * ${TILE_UNITS} units to workgroup memory, loads the next ones into registers, and meanwhile multiplies; two places in turns need one
 * barrier. An invocation owns some of the pixels, spaced so that neighbours read neighbours, and of the channels. With `split` the
 * units are shared among workgroups as well. Sums are in an order that does not depend on the number of frames.
 */
export function conv2dTiledKernel(p: Conv2dTiledParameters): Kernel {
  const { pixels, pixelsEach, lanes, lanesEach } = p.tile;
  const invocations = tileInvocations(p.tile);
  const acrossPixels = pixels / pixelsEach;
  const acrossLanes = lanes / lanesEach;
  const format = weightFormat(p.storage, p.halfLoads, p.place);
  const pairs = chunkPairs(p.storage);
  const inputLoads = (TILE_UNITS * pixels) / invocations;
  const chunkRows = (TILE_UNITS * 4) / pairs;
  const chunkLoads = Math.ceil((chunkRows * lanes) / invocations);
  const partialChunks = (chunkRows * lanes) % invocations !== 0;
  const unitStep = invocations / pixels;
  if (!Number.isInteger(inputLoads) || !Number.isInteger(unitStep) || lanes % BLOCK_LANES !== 0) {
    throw new TypeError(`conv2d: a tile of ${pixels} × ${lanes} cannot be loaded by ${invocations} invocations`);
  }
  const bindings = conv2dBindings(p, format);
  const sums = Array.from({ length: pixelsEach * lanesEach }, (_, i) => ({ pixel: i % pixelsEach, lane: Math.floor(i / pixelsEach) }));

  // Each slot of an invocation has a unit of its own and walks on from it: no division in the loop.
  const loadInput = (slot: number): string => `  input${slot} = vec4f();
  if (unit${slot} < end_unit && is_pixel) {
    let row = first_row + i32(ky${slot});
    let column = first_column + i32(kx${slot});
    if (u32(row) < shape.in_height && u32(column) < shape.in_width) {
      input${slot} = x[first_input + plane${slot} * in_pixels + u32(row) * shape.in_width + u32(column)];
    }
  }
  unit${slot} += ${TILE_UNITS}u;
  plane${slot} += ${TILE_UNITS}u;
  while (plane${slot} >= shape.in_planes) {
    plane${slot} -= shape.in_planes;
    kx${slot}++;
    if (kx${slot} == shape.kernel_size) {
      kx${slot} = 0u;
      ky${slot}++;
    }
  }`;
  const declareInput = (slot: number): string => `  var input${slot}: vec4f;
  var unit${slot} = first_unit + local / PIXELS + ${slot * unitStep}u;
  var plane${slot} = unit${slot} % shape.in_planes;
  var kx${slot} = unit${slot} / shape.in_planes % shape.kernel_size;
  var ky${slot} = unit${slot} / shape.in_planes / shape.kernel_size;`;
  // Rows past the last one meet inputs that are zeros; they must be in bounds.
  const loadChunk = (slot: number): string => {
    const load = `chunk${slot} = load_chunk(chunk_base${slot} + min(chunk_row + chunk_row${slot}, shape.block_chunks - 1u) * BLOCK_LANES);`;
    return partialChunks && slot === chunkLoads - 1 ? `  if (local + ${slot * invocations}u < CHUNKS) {\n    ${load}\n  }` : `  ${load}`;
  };
  const declareChunk = (slot: number): string => `  let chunk_row${slot} = (local + ${slot * invocations}u) / LANES;
  let chunk_lane${slot} = (local + ${slot * invocations}u) % LANES;
  let chunk_base${slot} = (first_block + chunk_lane${slot} / BLOCK_LANES) * shape.block_chunks * BLOCK_LANES + chunk_lane${slot} % BLOCK_LANES;
  var chunk${slot}: ${format.chunkType};`;
  const storeChunk = (slot: number): string => {
    const stores = unroll(
      pairs,
      (pair) =>
        `    weights[place * ${TILE_UNITS * 4}u + chunk_row${slot} * ${pairs}u + ${pair}u][chunk_lane${slot}] = ${format.unpack(`chunk${slot}`, pair)};`,
    );
    return partialChunks && slot === chunkLoads - 1 ? `  if (local + ${slot * invocations}u < CHUNKS) {\n${stores}\n  }` : stores;
  };
  const loadAll = `${unroll(inputLoads, loadInput)}
${unroll(chunkLoads, loadChunk)}
  chunk_row += ${chunkRows}u;`;
  const storeAll = `${unroll(inputLoads, (slot) => `  inputs[place * ${TILE_UNITS}u + local / PIXELS + ${slot * unitStep}u][local % PIXELS] = input${slot};`)}
${unroll(chunkLoads, storeChunk)}`;

  const multiply = unroll(
    TILE_UNITS,
    (unit) => `    {
${unroll(pixelsEach, (pixel) => `      let v${pixel} = inputs[place * ${TILE_UNITS}u + ${unit}u][lane_x + ${pixel * acrossPixels}u];`)}
${unroll(4, (row) =>
  unroll(
    lanesEach,
    (lane) => `      {
        let w = weights[place * ${TILE_UNITS * 4}u + ${unit * 4 + row}u][lane_y + ${lane * acrossLanes}u];
${unroll(pixelsEach, (pixel) => `        acc${pixel}_${lane} += w * v${pixel}[${row}];`)}
      }`,
  ),
)}
    }`,
  );
  const finish = ({ pixel, lane }: { pixel: number; lane: number }): string =>
    `  finish(first_pixel + lane_x + ${pixel * acrossPixels}u, first_lane + lane_y + ${lane * acrossLanes}u, encoder, split, acc${pixel}_${lane});`;

  const code = wgsl`${format.enable}
${declareShape(CONV2D_SIZES)}
${declareBindings(bindings)}

const PIXELS: u32 = ${pixels}u;
const LANES: u32 = ${lanes}u;
const CHUNKS: u32 = ${chunkRows * lanes}u;
const BLOCK_LANES: u32 = ${BLOCK_LANES}u;

var<workgroup> inputs: array<array<vec4f, ${pixels}>, ${2 * TILE_UNITS}>;
var<workgroup> weights: array<array<vec4f, ${lanes}>, ${2 * TILE_UNITS * 4}>;

${format.loadChunk}

fn finish(pixel: u32, lane: u32, encoder: u32, split: u32, products: vec4f) {
  let out_pixels = shape.out_height * shape.out_width;
  if (pixel >= shape.frames * out_pixels || lane >= shape.out_planes) {
    return;
  }
  let at = ((encoder * shape.frames + pixel / out_pixels) * shape.out_planes + lane) * out_pixels + pixel % out_pixels;
${conv2dValue(p, format.scaled)}
  y[at${p.split ? ' + split * shape.split_stride' : ''}] = ${p.relu ? reluOf('value') : 'value'};
}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let tiles = (shape.out_planes + LANES - 1u) / LANES;
  let first_lane = workgroup.y % tiles * LANES;
  let split = workgroup.y / tiles;
  let encoder = workgroup.z;
  let first_pixel = workgroup.x * PIXELS;
  let first_block = encoder * shape.encoder_blocks + first_lane / BLOCK_LANES;
  let first_unit = split * shape.split_units;
  let end_unit = min(first_unit + shape.split_units, shape.units);
  let lane_x = local % ${acrossPixels}u;
  let lane_y = local / ${acrossPixels}u;

  // The pixel that this invocation loads for all: not those that it computes.
  let in_pixels = shape.in_height * shape.in_width;
  let out_pixels = shape.out_height * shape.out_width;
  let pixel = first_pixel + local % PIXELS;
  let is_pixel = pixel < shape.frames * out_pixels;
  let first_input = (encoder * shape.frames + pixel / out_pixels) * shape.in_planes * in_pixels;
  let first_row = i32(pixel % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let first_column = i32(pixel % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
${unroll(inputLoads, declareInput)}
${unroll(chunkLoads, declareChunk)}
  var chunk_row = first_unit * 4u / ${pairs}u;
${unroll(sums.length, (i) => `  var acc${sums[i]?.pixel}_${sums[i]?.lane} = vec4f();`)}

  var place = 0u;
${loadAll}
${storeAll}
  workgroupBarrier();
  for (var unit = first_unit; unit < end_unit; unit += ${TILE_UNITS}u) {
    let more = unit + ${TILE_UNITS}u < end_unit;
    if (more) {
${loadAll}
    }
${multiply}
    place = 1u - place;
    if (more) {
${storeAll}
    }
    workgroupBarrier();
  }
${sums.map(finish).join('\n')}
}
`;
  const parts = [`${pixels}x${lanes} of ${pixelsEach}x${lanesEach} ${format.name}`, ...conv2dParts(p), ...(p.split ? ['split'] : [])];
  return { label: `conv2d tiled ${parts.join(', ')}`, code, bindings };
}
