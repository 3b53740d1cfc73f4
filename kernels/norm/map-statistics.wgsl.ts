import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { sumRows, twoLevelSum } from '../lib/reduce.wgsl.js';
import { wgsl } from '../lib/wgsl.js';
import { FINISH_MAP_SIZES, MAP_PART_SIZES, SUM_PARTIALS } from './finish-map.wgsl.js';

/**
 * The first half of a group norm over a map that is too large for one workgroup a group: statistics of each part of a group,
 * which `finishMapKernel` with `norm: 'parts'` brings together
 *
 *     s[e] = Σ_i x[i, e]
 *     mean_k = Σ_{e ∈ part k} s[e] / n_k
 *     squares_k = Σ_{e ∈ part k} (s[e] − mean_k)²
 *
 * Squares are around the part's own mean, in a second pass: a mean that is large beside the deviations costs no digits.
 *
 * Bindings: shape · x f32 [partials] feature maps · statistics vec2f [sample][group][part]: mean and squares. A workgroup owns one
 * part of a group of one sample.
 */
export function mapStatisticsKernel(invocations: number): Kernel {
  const width = sumRows(invocations);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'statistics', access: 'read_write', type: 'array<vec2f>' },
  ];
  const code = wgsl`
${declareShape([...FINISH_MAP_SIZES, ...MAP_PART_SIZES])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
var<workgroup> scratch: array<f32, ${invocations}>;
var<workgroup> scratch_rows: array<f32, ${width}>;

${twoLevelSum(invocations, 'INVOCATIONS')}

${SUM_PARTIALS}

@compute @workgroup_size(${invocations})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  let elements = shape.group_planes * shape.pixels;
  let first = group * elements;
  let begin = workgroup.y * shape.part_elements;
  let end = min(begin + shape.part_elements, elements);
  let count = f32((end - begin) * 4u);
  var sum = 0.0f;
  for (var e = begin + local; e < end; e += INVOCATIONS) {
    sum += sum_of(sum_partials(first + e));
  }
  let mean = sum_over_workgroup(sum, local) / count;
  var squares = 0.0f;
  for (var e = begin + local; e < end; e += INVOCATIONS) {
    let d = sum_partials(first + e) - mean;
    squares += sum_of(d * d);
  }
  squares = sum_over_workgroup(squares, local);
  if (local == 0u) {
    statistics[group * shape.parts + workgroup.y] = vec2f(mean, squares);
  }
}
`;
  return { label: 'map_statistics', code, bindings };
}
