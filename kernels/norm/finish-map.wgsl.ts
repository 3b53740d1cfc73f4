import { reluOf } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING, shapeWords } from '../lib/kernel.js';
import { type MapPlace, mapParts, readMap, writtenMap } from '../lib/map-place.wgsl.js';
import { sumRows, twoLevelSum } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

export interface FinishMapParameters {
  readonly invocations: number;
  /**
   * Group norm by one workgroup a group; group norm by several, from statistics of its parts (map-statistics.wgsl.ts); or nothing but
   * scale and shift of each channel.
   */
  readonly norm: 'group' | 'parts' | 'none';
  readonly epsilon: number;
  readonly residual: boolean;
  readonly relu: boolean;
  /** Where maps lie; default buffers. In parts all do, as x does where it is partial sums. */
  readonly maps?: { readonly x?: MapPlace; readonly residual?: MapPlace; readonly y?: MapPlace };
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

/** How a group is cut, where several workgroups share it: no part is empty. */
export interface MapParts {
  readonly parts: number;
  /** vec4s of a part; the last one may have fewer. */
  readonly partElements: number;
}

export const FINISH_MAP_SIZES = ['planes', 'group_planes', 'pixels', 'partials', 'partial_stride', 'frames'] as const;
export const MAP_PART_SIZES = ['parts', 'part_elements'] as const;

/** The kernel's `shape`; with `cut` that of a norm in parts. */
export function finishMapShape(sizes: FinishMapSizes, cut?: MapParts): number[] {
  const { planes, groupPlanes, pixels, partials, partialStride, frames } = sizes;
  return shapeWords([planes, groupPlanes, pixels, partials, partialStride, frames, ...(cut ? [cut.parts, cut.partElements] : [])]);
}

/** `sum_partials(e)`: element e of the map, from all that was left of it. */
export const SUM_PARTIALS = `fn sum_partials(e: u32) -> vec4f {
  var value = x[e];
  for (var i = 1u; i < shape.partials; i++) {
    value += x[i * shape.partial_stride + e];
  }
  return value;
}`;

/** The same of a map that is no partial sum. */
const WHOLE_SUM = `fn sum_partials(e: u32) -> vec4f {
  return ${readMap('x', 'texture').load('e')};
}`;

/**
 * Finishes the feature map of a convolution that left partial sums: adds them up, in ascending order, then group norm (or scale
 * and shift alone), residual and ReLU
 *
 *     s[c, p] = Σ_i x[i, c, p]
 *     y[c, p] = relu( (s[c, p] − mean_g) / √(var_g + ε) · gamma[c] + beta[c] + residual[c, p] )
 *
 * Mean and (biased) variance are over the channels of a group and all pixels, in f32 and in two passes. Without a norm mean is 0
 * and the root 1, and a group is any number of planes. In parts, n_k elements each
 *
 *     mean_g = Σ_k n_k mean_k / n        var_g = Σ_k ( squares_k + n_k (mean_k − mean_g)² ) / n
 *
 * in an order that depends on the shape alone; every workgroup of a group adds them up again, which is less than another dispatch.
 *
 * Bindings: shape · x f32 [partials] feature maps · gamma, beta vec4f [encoder][planes] · for parts statistics vec2f
 * [sample][group][part] · residual, y feature maps. A workgroup owns one group of one sample, or one part of it. Without parts an
 * invocation keeps the sums of its own elements in y; where a map is a texture there are no sums to keep, and it reads x again.
 */
export function finishMapKernel(p: FinishMapParameters): Kernel {
  const { invocations } = p;
  const width = sumRows(invocations);
  const inParts = p.norm === 'parts';
  const normed = p.norm !== 'none';
  const { maps = {} } = p;
  const inTexture = maps.x === 'texture';
  if (inParts && (inTexture || maps.residual === 'texture' || maps.y === 'texture'))
    throw new TypeError('norms in parts know buffers alone');
  const x = readMap('x', maps.x);
  const residual = readMap('residual', maps.residual);
  const y = writtenMap('y', maps.y);
  const kept = !inTexture && maps.y !== 'texture';
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    x.binding,
    { name: 'gamma', access: 'read', type: 'array<vec4f>' },
    { name: 'beta', access: 'read', type: 'array<vec4f>' },
    ...(inParts ? [{ name: 'statistics', access: 'read', type: 'array<vec2f>' } as const] : []),
    ...(p.residual ? [residual.binding] : []),
    y.binding,
  ];
  const code = wgsl`
${declareShape([...FINISH_MAP_SIZES, ...(inParts ? MAP_PART_SIZES : [])])}
${declareBindings(bindings)}${x.declaration}${p.residual ? residual.declaration : ''}${y.declaration}

const INVOCATIONS: u32 = ${invocations}u;
#if ${normed}
const EPSILON: f32 = ${f32(p.epsilon)};
var<workgroup> scratch: array<f32, ${invocations}>;
var<workgroup> scratch_rows: array<f32, ${width}>;

${twoLevelSum(invocations, 'INVOCATIONS')}
#endif

${inTexture ? WHOLE_SUM : SUM_PARTIALS}

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
${kept ? '    y[first + e] = value;\n' : ''}    sum += sum_of(value);
  }
  let count = f32(elements * 4u);
  let mean = sum_over_workgroup(sum, local) / count;
  var squares = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let d = ${kept ? 'y[first + e]' : 'sum_partials(first + e)'} - mean;
    squares += sum_of(d * d);
  }
  let deviation = sqrt(sum_over_workgroup(squares, local) / count + EPSILON);
  #elif ${inParts}
  let first_part = (sample * shape.planes + first_plane) / shape.group_planes * shape.parts;
  let count = f32(elements * 4u);
  // A part of a whole group for each invocation: there are no more of them than invocations.
  var part = vec2f();
  var part_count = 0.0f;
  if (local < shape.parts) {
    part = statistics[first_part + local];
    part_count = f32((min((local + 1u) * shape.part_elements, elements) - local * shape.part_elements) * 4u);
  }
  let mean = sum_over_workgroup(part_count * part.x, local) / count;
  let d = part.x - mean;
  let deviation = sqrt(sum_over_workgroup(part.y + part_count * d * d, local) / count + EPSILON);
  let begin = workgroup.y * shape.part_elements;
  let end = min(begin + shape.part_elements, elements);
  #endif
  for (var e = ${inParts ? 'begin + local' : 'local'}; e < ${inParts ? 'end' : 'elements'}; e += INVOCATIONS) {
    let channels = parameters + e / shape.pixels;
    #if ${p.norm === 'group'}
    var value = (${kept ? 'y[first + e]' : 'sum_partials(first + e)'} - mean) / deviation * gamma[channels] + beta[channels];
    #elif ${inParts}
    var value = (sum_partials(first + e) - mean) / deviation * gamma[channels] + beta[channels];
    #else
    var value = sum_partials(first + e) * gamma[channels] + beta[channels];
    #endif
    #if ${p.residual}
    value += ${residual.load('first + e')};
    #endif
    ${y.store('first + e', p.relu ? reluOf('value') : 'value')}
  }
}
`;
  const parts = [
    p.norm === 'none' ? 'finish_map' : 'group_norm_map',
    ...(inParts ? ['in parts'] : []),
    ...(p.residual ? ['residual'] : []),
    ...(p.relu ? ['relu'] : []),
    ...mapParts({ ...maps }),
  ];
  return { label: parts.join(', '), code, bindings };
}
