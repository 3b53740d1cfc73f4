import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

export interface SpatialSoftmaxSizes {
  readonly keypoints: number;
  /** Height × width of a map. */
  readonly positions: number;
  /** Samples that follow one another and share an encoder. */
  readonly frames: number;
}

/** The kernel's `shape`. */
export function spatialSoftmaxShape({ keypoints, positions, frames }: SpatialSoftmaxSizes): number[] {
  return [keypoints, positions, frames];
}

/**
 * Keypoints of feature maps: for every channel k, with softmax over the positions of its map,
 *
 *     y[b, k] = Σ_p softmax(x[b, k])[p] · grid[encoder of b, p]
 *
 * Bindings: shape · x, a feature map of `keypoints` channels · grid vec2f [encoder][positions], x before y · y vec2f
 * [b][keypoints]. A workgroup owns four keypoints of one sample; sums are in a fixed order.
 */
export function spatialSoftmaxKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'grid', access: 'read', type: 'array<vec2f>' },
    { name: 'y', access: 'read_write', type: 'array<vec2f>' },
  ];
  const code = wgsl`
${declareShape(['keypoints', 'positions', 'frames'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
var<workgroup> scratch: array<array<vec4f, 3>, ${invocations}>;

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first = (sample * ((shape.keypoints + 3u) / 4u) + workgroup.x) * shape.positions;
  let first_position = sample / shape.frames * shape.positions;

  // Invocations past the last position start from the first one: a maximum does not mind.
  var largest = x[first];
  for (var p = local; p < shape.positions; p += INVOCATIONS) {
    largest = max(largest, x[first + p]);
  }
  scratch[local][0] = largest;
  workgroupBarrier();
  for (var other = 0u; other < INVOCATIONS; other++) {
    largest = max(largest, scratch[other][0]);
  }

  var sum = vec4f();
  var sum_x = vec4f();
  var sum_y = vec4f();
  for (var p = local; p < shape.positions; p += INVOCATIONS) {
    let weight = exp(x[first + p] - largest);
    let position = grid[first_position + p];
    sum += weight;
    sum_x += weight * position.x;
    sum_y += weight * position.y;
  }
  workgroupBarrier();
  scratch[local] = array<vec4f, 3>(sum, sum_x, sum_y);
  workgroupBarrier();
  let keypoint = workgroup.x * 4u + local;
  if (local < 4u && keypoint < shape.keypoints) {
    var total = 0.0f;
    var position = vec2f();
    for (var other = 0u; other < INVOCATIONS; other++) {
      total += scratch[other][0][local];
      position += vec2f(scratch[other][1][local], scratch[other][2][local]);
    }
    y[sample * shape.keypoints + keypoint] = position / total;
  }
}
`;
  return { label: 'spatial_softmax', code, bindings };
}
