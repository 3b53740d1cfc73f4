import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel } from '../lib/kernel.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { BLOCK_LANES, chunkPairs, weightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { conv2dBindings, conv2dMaps, conv2dParts, declareConv2dMaps, enabled, finishAt, windowLabel } from './conv2d-pieces.wgsl.js';
import { CONV2D_SIZES, type Conv2dParameters } from './conv2d-shape.js';

/** Sizes of a map and of a window that slides over it: a text of its own for each. */
export interface MapGeometry {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
}

/** For each tap, row by row, the outputs that it reaches inside of the input, and what they read there. */
function tapProducts(g: MapGeometry): { readonly output: number; readonly input: number }[][] {
  return Array.from({ length: g.kernelSize ** 2 }, (_, tap) => {
    const products = [];
    for (let output = 0; output < g.outHeight * g.outWidth; output++) {
      const row = Math.floor(output / g.outWidth) * g.stride + Math.floor(tap / g.kernelSize) - g.padding;
      const column = (output % g.outWidth) * g.stride + (tap % g.kernelSize) - g.padding;
      const inside = row >= 0 && row < g.inHeight && column >= 0 && column < g.inWidth;
      if (inside) products.push({ output, input: row * g.inWidth + column });
    }
    return products;
  });
}

export interface Conv2dMapParameters extends Conv2dParameters {
  readonly geometry: MapGeometry;
  /** Invocations of a subgroup: they load different pixels and hand them round. */
  readonly subgroup: number;
}

/**
 * A 2-D convolution over small maps, for software drivers with subgroups; formula and bindings as conv2d-tiled.wgsl.ts, without split, but for
 * the rows of the weights, which are in the order (plane, tap, channel of the plane).
 *
 * A workgroup owns BLOCK_LANES groups of four output channels of one sample, an invocation one of these groups and all pixels. A plane of
 * the input is loaded once, by the members of a subgroup together, and meets all taps, which are text: what a pixel outside would
 * add is no product at all. Of a 3×3 window over 3×3 pixels that is 49 products instead of 81, and 2 loads instead of 18.
 */
export function conv2dMapKernel(p: Conv2dMapParameters): Kernel {
  const { geometry, subgroup } = p;
  const format = weightFormat(p.storage, p.halfLoads, p.place);
  const pairs = chunkPairs(p.storage);
  const outputs = geometry.outHeight * geometry.outWidth;
  const inputs = geometry.inHeight * geometry.inWidth;
  const slots = Math.ceil(inputs / subgroup);
  const chunks = 4 / pairs;
  const bindings = conv2dBindings(p, format);
  const { x } = conv2dMaps(p);
  const multiply = (products: readonly { readonly output: number; readonly input: number }[], tap: number): string => `    {
${unroll(chunks, (index) => `      let chunk${index} = load_chunk(chunk + ${(tap * chunks + index) * BLOCK_LANES}u);`)}
${unroll(4, (row) => `      let w${row} = ${format.unpack(`chunk${Math.floor(row / pairs)}`, row % pairs)};`)}
${products.map(({ output, input }) => unroll(4, (row) => `      acc${output} = fma(w${row}, vec4f(${handedRound(input, row, subgroup)}), acc${output});`)).join('\n')}
    }`;
  const code = wgsl`${enabled(format, true)}
${declareShape(CONV2D_SIZES)}
${declareBindings(bindings)}${declareConv2dMaps(p)}

const BLOCK_LANES: u32 = ${BLOCK_LANES}u;

${format.loadChunk}

${finishAt(p, format.scaled)}

@compute @workgroup_size(${BLOCK_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let encoder = workgroup.z;
  let sample = encoder * shape.frames + workgroup.y;
  let lane = workgroup.x * BLOCK_LANES + local;
  let first = sample * shape.in_planes * ${inputs}u;
${unroll(slots, (slot) => `  let first${slot} = first + min(member + ${slot * subgroup}u, ${inputs - 1}u);`)}
${unroll(outputs, (output) => `  var acc${output} = vec4f();`)}

  var chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  for (var plane = 0u; plane < shape.in_planes; plane++) {
${unroll(slots, (slot) => `    let v${slot} = ${x.load(`first${slot} + plane * ${inputs}u`)};`)}
${tapProducts(geometry).map(multiply).join('\n')}
    chunk += ${geometry.kernelSize ** 2 * chunks * BLOCK_LANES}u;
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let at = (sample * shape.out_planes + lane) * ${outputs}u;
  for (var k = 0u; k < ${outputs}u; k++) {
    finish(at + k, lane, encoder, acc0);
${sumsMoveOn(outputs)}
  }
}
`;
  const { inHeight, inWidth, outHeight, outWidth, kernelSize, stride } = geometry;
  const parts = [
    `${inHeight}x${inWidth} -> ${outHeight}x${outWidth} by ${windowLabel(kernelSize, stride)} subgroup ${subgroup} ${format.name}`,
    ...conv2dParts(p),
  ];
  return { label: `conv2d map ${parts.join(', ')}`, code, bindings };
}
