import { reluOf } from '../lib/activations.wgsl.js';
import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel } from '../lib/kernel.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { BLOCK_LANES, chunkPairs, weightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { conv2dBindings, conv2dMaps, conv2dParts, conv2dValue, declareConv2dMaps, enabled } from './conv2d-pieces.wgsl.js';
import { CONV2D_SIZES, type Conv2dParameters } from './conv2d-shape.js';

export interface Conv2dLanesParameters extends Conv2dParameters {
  /** Pixels of a workgroup: all of an invocation's. */
  readonly pixels: number;
  /** Invocations of a subgroup, which load different pixels and hand them round; 1: every invocation loads all pixels. */
  readonly subgroup: number;
  /** Input channels where they are fewer than four: the others of a plane are zeros, and are left out. Default 4. */
  readonly channels?: number | undefined;
}

/**
 * A 2-D convolution for software drivers; formula and bindings as conv2d-tiled.wgsl.ts, without split.
 *
 * A workgroup owns BLOCK_LANES groups of four output channels and a tile of pixels; an invocation owns one of these groups and
 * all pixels: a reduction belongs to one invocation, and there is no barrier. Every invocation of a workgroup needs the
 * same inputs. A load from memory costs a software driver a branch or a function call for each invocation, handing
 * round a register costs it next to nothing: so where there are subgroups, each of their invocations loads one pixel for all.
 */
export function conv2dLanesKernel(p: Conv2dLanesParameters): Kernel {
  const { pixels, subgroup, channels = 4 } = p;
  const format = weightFormat(p.storage, p.halfLoads, p.place);
  const pairs = chunkPairs(p.storage);
  const slots = Math.ceil(pixels / subgroup);
  const shared = subgroup > 1;
  const bindings = conv2dBindings(p, format);
  const { x, y } = conv2dMaps(p);
  const prepare = (
    slot: number,
  ): string => `  let pixel${slot} = min(first_pixel + ${slot * subgroup}u${shared ? ' + member' : ''}, end_pixel - 1u);
  let first${slot} = (encoder * shape.frames + pixel${slot} / out_pixels) * shape.in_planes * in_pixels;
  let row${slot} = i32(pixel${slot} % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column${slot} = i32(pixel${slot} % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);`;
  // A pixel outside the input is loaded from inside and multiplied by 0: one comparison a tap instead of a branch a load.
  const place = (slot: number): string => `      let r${slot} = row${slot} + i32(ky);
      let c${slot} = column${slot} + i32(kx);
      let inside${slot} = select(0.0f, 1.0f, u32(r${slot}) < shape.in_height && u32(c${slot}) < shape.in_width);
      let from${slot} = first${slot} + select(0u, u32(r${slot}) * shape.in_width + u32(c${slot}), inside${slot} > 0.0f);`;
  const value = (pixel: number, row: number): string => handedRound(pixel, row, subgroup);
  const code = wgsl`${enabled(format, shared)}
${declareShape(CONV2D_SIZES)}
${declareBindings(bindings)}${declareConv2dMaps(p)}

const PIXELS: u32 = ${pixels}u;
const BLOCK_LANES: u32 = ${BLOCK_LANES}u;

${format.loadChunk}

fn finish(pixel: u32, lane: u32, encoder: u32, products: vec4f) {
  let out_pixels = shape.out_height * shape.out_width;
  let at = ((encoder * shape.frames + pixel / out_pixels) * shape.out_planes + lane) * out_pixels + pixel % out_pixels;
${conv2dValue(p, format.scaled)}
  ${y.store('at', p.relu ? reluOf('value') : 'value')}
}

@compute @workgroup_size(${BLOCK_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
${shared ? '  @builtin(subgroup_invocation_id) member: u32,' : ''}
) {
  let encoder = workgroup.z;
  let lane = workgroup.x * BLOCK_LANES + local;
  let first_chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  let in_pixels = shape.in_height * shape.in_width;
  let out_pixels = shape.out_height * shape.out_width;
  let first_pixel = workgroup.y * PIXELS;
  let end_pixel = shape.frames * out_pixels;
${unroll(slots, prepare)}
${unroll(pixels, (pixel) => `  var acc${pixel} = vec4f();`)}

  var chunk = first_chunk;
  for (var ky = 0u; ky < shape.kernel_size; ky++) {
    for (var kx = 0u; kx < shape.kernel_size; kx++) {
${unroll(slots, place)}
      for (var plane = 0u; plane < shape.in_planes; plane++) {
${unroll(Math.ceil(channels / pairs), (index) => `        let chunk${index} = load_chunk(chunk + ${index * BLOCK_LANES}u);`)}
        chunk += ${(4 / pairs) * BLOCK_LANES}u;
${unroll(slots, (slot) => `        let v${slot} = ${x.load(`from${slot} + plane * in_pixels`)} * inside${slot};`)}
${unroll(channels, (row) => `        let w${row} = ${format.unpack(`chunk${Math.floor(row / pairs)}`, row % pairs)};`)}
${unroll(pixels, (pixel) => unroll(channels, (row) => `        acc${pixel} = fma(w${row}, vec4f(${value(pixel, row)}), acc${pixel});`))}
      }
    }
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let count = min(PIXELS, end_pixel - first_pixel);
  for (var k = 0u; k < count; k++) {
    finish(first_pixel + k, lane, encoder, acc0);
${sumsMoveOn(pixels)}
  }
}
`;
  const parts = [
    `${pixels}${channels < 4 ? ` of ${channels}` : ''}${shared ? ` subgroup ${subgroup}` : ''} ${format.name}`,
    ...conv2dParts(p),
  ];
  return { label: `conv2d lanes ${parts.join(', ')}`, code, bindings };
}
