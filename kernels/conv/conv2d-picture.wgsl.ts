import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel } from '../lib/kernel.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { BLOCK_LANES, chunkPairs, weightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { conv2dBindings, conv2dMaps, conv2dParts, declareConv2dMaps, enabled, finishAt, windowLabel } from './conv2d-pieces.wgsl.js';
import { CONV2D_SIZES, type Conv2dLayer, type Conv2dParameters } from './conv2d-shape.js';

export interface Conv2dPictureParameters extends Conv2dParameters {
  readonly layer: Pick<Conv2dLayer, 'inChannels' | 'kernelSize' | 'stride'>;
  /** Outputs of a workgroup, side by side in a row: all of an invocation's. */
  readonly pixels: number;
  /** Invocations of a subgroup: they load different pixels and hand them round. */
  readonly subgroup: number;
}

/** Channels of an input that is one plane. */
export const PICTURE_CHANNELS = 4;

/**
 * A 2-D convolution of a picture, that is, of at most four channels, for software drivers with subgroups; formula and bindings as
 * conv2d-tiled.wgsl.ts, without split.
 *
 * A workgroup owns BLOCK_LANES groups of four output channels and a stretch of a row of outputs, an invocation one of these groups and all
 * outputs. For each row of the window the members of a subgroup load the stretch of the input once, for all taps of the row, which are text:
 * neighbours share most of what they read (37 loads for 16 outputs of a window of 7 with stride 2, instead of 112). Output by output, so
 * that a sum stays in registers through all products of a row; its weights are what waits in memory.
 */
export function conv2dPictureKernel(p: Conv2dPictureParameters): Kernel {
  const { pixels, subgroup, layer } = p;
  const { inChannels, kernelSize, stride } = layer;
  const format = weightFormat(p.storage, p.halfLoads, p.place);
  const pairs = chunkPairs(p.storage);
  const chunks = Math.ceil(inChannels / pairs);
  const columns = (pixels - 1) * stride + kernelSize;
  const slots = Math.ceil(columns / subgroup);
  const bindings = conv2dBindings(p, format);
  const { x } = conv2dMaps(p);
  const prepare = (slot: number): string => `  let column${slot} = first_column + i32(${slot * subgroup}u + member);
  let inside${slot} = u32(column${slot}) < shape.in_width;
  let from${slot} = first + select(0u, u32(column${slot}), inside${slot});`;
  const load = (tap: number): string => `${unroll(
    chunks,
    (index) => `    let chunk${tap}_${index} = load_chunk(chunk + ${(tap * (PICTURE_CHANNELS / pairs) + index) * BLOCK_LANES}u);`,
  )}
${unroll(inChannels, (row) => `    let w${tap}_${row} = ${format.unpack(`chunk${tap}_${Math.floor(row / pairs)}`, row % pairs)};`)}`;
  const multiply = (pixel: number): string =>
    unroll(kernelSize, (tap) =>
      unroll(
        inChannels,
        (row) => `    acc${pixel} = fma(w${tap}_${row}, vec4f(${handedRound(pixel * stride + tap, row, subgroup)}), acc${pixel});`,
      ),
    );
  const code = wgsl`${enabled(format, true)}
${declareShape(CONV2D_SIZES)}
${declareBindings(bindings)}${declareConv2dMaps(p)}

const PIXELS: u32 = ${pixels}u;
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
  let lane = workgroup.x * BLOCK_LANES + local;
  let tiles = (shape.out_width + PIXELS - 1u) / PIXELS;
  let first_pixel = workgroup.y % tiles * PIXELS;
  let row = workgroup.y / tiles % shape.out_height;
  let sample = encoder * shape.frames + workgroup.y / tiles / shape.out_height;
  let first = sample * shape.in_height * shape.in_width;
  let first_row = i32(row * shape.stride) - i32(shape.padding);
  let first_column = i32(first_pixel * shape.stride) - i32(shape.padding);
${unroll(slots, prepare)}
${unroll(pixels, (pixel) => `  var acc${pixel} = vec4f();`)}

  // Rows outside of the picture add nothing.
  let begin = u32(max(-first_row, 0));
  let end = u32(clamp(i32(shape.in_height) - first_row, 0, ${kernelSize}));
  let first_chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  for (var ky = begin; ky < end; ky++) {
    let above = u32(first_row + i32(ky)) * shape.in_width;
    let chunk = first_chunk + ky * ${kernelSize * (PICTURE_CHANNELS / pairs) * BLOCK_LANES}u;
${unroll(slots, (slot) => `    let v${slot} = select(vec4f(), ${x.load(`from${slot} + above`)}, inside${slot});`)}
${unroll(kernelSize, load)}
${unroll(pixels, multiply)}
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let at = ((sample * shape.out_planes + lane) * shape.out_height + row) * shape.out_width + first_pixel;
  let count = min(PIXELS, shape.out_width - first_pixel);
  for (var k = 0u; k < count; k++) {
    finish(at + k, lane, encoder, acc0);
${sumsMoveOn(pixels)}
  }
}
`;
  const parts = [`${pixels} of ${inChannels} by ${windowLabel(kernelSize, stride)} subgroup ${subgroup} ${format.name}`, ...conv2dParts(p)];
  return { label: `conv2d picture ${parts.join(', ')}`, code, bindings };
}
