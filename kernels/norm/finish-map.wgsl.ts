import { reluOf } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { sumRows, twoLevelSum } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

export interface FinishMapParameters {
  readonly invocations: number;
  /** Group norm, or nothing but scale and shift of each channel. */
  readonly norm: 'group' | 'none';
  readonly epsilon: number;
  readonly residual: boolean;
  readonly relu: boolean;
}

export interface FinishMapSizes {
  /** Groups of four channels, and of them those of a group of the norm. */
  readonly planes: number;
  readonly groupPlanes: number;
  readonly pixels: number;
  /** Partial sums that a convolution left, and the vec4s between them. */
  readonly partials: number;
  readonly partialStride: number;
  /** Samples that follow one another and share an encoder. */
  readonly frames: number;
}

/** The kernel's `shape`. */
export function finishMapShape({ planes, groupPlanes, pixels, partials, partialStride, frames }: FinishMapSizes): number[] {
  return [planes, groupPlanes, pixels, partials, partialStride, frames];
}

/**
 * Finishes the feature map of a convolution that left partial sums: adds them up, in ascending order, then group norm (or scale
 * and shift alone), residual and ReLU
 *
 *     s[c, p] = Σ_i x[i, c, p]
 *     y[c, p] = relu( (s[c, p] − mean_g) / √(var_g + ε) · gamma[c] + beta[c] + residual[c, p] )
 *
 * Mean and (biased) variance are over the channels of a group and all pixels, in f32 and in two passes. Without a norm mean is 0
 * and the root 1, and a group is any number of planes.
 *
 * Bindings: shape · x f32 [partials] feature maps · gamma, beta vec4f [encoder][planes] · residual, y feature maps. A workgroup
 * owns one group of one sample. An invocation keeps the sums of its own elements in y.
 */
export function finishMapKernel(p: FinishMapParameters): Kernel {
  const { invocations } = p;
  const width = sumRows(invocations);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'gamma', access: 'read', type: 'array<vec4f>' },
    { name: 'beta', access: 'read', type: 'array<vec4f>' },
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<vec4f>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(['planes', 'group_planes', 'pixels', 'partials', 'partial_stride', 'frames'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
#if ${p.norm === 'group'}
const EPSILON: f32 = ${f32(p.epsilon)};
var<workgroup> scratch: array<f32, ${invocations}>;
var<workgroup> scratch_rows: array<f32, ${width}>;

${twoLevelSum(invocations, 'INVOCATIONS')}
#endif

fn sum_partials(e: u32) -> vec4f {
  var value = x[e];
  for (var i = 1u; i < shape.partials; i++) {
    value += x[i * shape.partial_stride + e];
  }
  return value;
}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first_plane = workgroup.x * shape.group_planes;
  let first = (sample * shape.planes + first_plane) * shape.pixels;
  let parameters = sample / shape.frames * shape.planes + first_plane;
  let elements = shape.group_planes * shape.pixels;
  #if ${p.norm === 'group'}
  var sum = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let value = sum_partials(first + e);
    y[first + e] = value;
    sum += sum_of(value);
  }
  let count = f32(elements * 4u);
  let mean = sum_over_workgroup(sum, local) / count;
  var squares = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let d = y[first + e] - mean;
    squares += sum_of(d * d);
  }
  let deviation = sqrt(sum_over_workgroup(squares, local) / count + EPSILON);
  #endif
  for (var e = local; e < elements; e += INVOCATIONS) {
    let channels = parameters + e / shape.pixels;
    #if ${p.norm === 'group'}
    var value = (y[first + e] - mean) / deviation * gamma[channels] + beta[channels];
    #else
    var value = sum_partials(first + e) * gamma[channels] + beta[channels];
    #endif
    #if ${p.residual}
    value += residual[first + e];
    #endif
    y[first + e] = ${p.relu ? reluOf('value') : 'value'};
  }
}
`;
  const parts = [p.norm === 'group' ? 'group_norm_map' : 'finish_map', ...(p.residual ? ['residual'] : []), ...(p.relu ? ['relu'] : [])];
  return { label: parts.join(', '), code, bindings };
}
