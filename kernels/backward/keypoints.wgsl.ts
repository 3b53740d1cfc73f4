import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const KEYPOINT_SIZES = ['batch', 'places', 'keypoints', 'row'] as const;

/**
 * Keypoints of maps of rows, and the probabilities that their gradient needs:
 *
 *     p[b, q, k] = softmax over q of x[b, q, k]        y[b, 2k + d] = Σ_q p[b, q, k] · grid[q, d]
 *
 * Bindings: shape · x f32 [b][places][row] · grid vec2f [places], x before y · p like x · y f32 [b][2 · keypoints]. An invocation owns a
 * keypoint of a sample.
 */
export function keypointsForwardKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'grid', access: 'read', type: 'array<vec2f>' },
    { name: 'p', access: 'read_write', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<vec2f>' },
  ];
  const code = wgsl`
${declareShape(KEYPOINT_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owned = ${lineIndex(invocations)};
  if (owned >= shape.batch * shape.keypoints) {
    return;
  }
  let first = owned / shape.keypoints * shape.places * shape.row + owned % shape.keypoints;
  var highest = x[first];
  for (var q = 1u; q < shape.places; q++) {
    highest = max(highest, x[first + q * shape.row]);
  }
  var total = 0.0f;
  var point = vec2f();
  for (var q = 0u; q < shape.places; q++) {
    let e = exp(x[first + q * shape.row] - highest);
    p[first + q * shape.row] = e;
    total += e;
    point += e * grid[q];
  }
  for (var q = 0u; q < shape.places; q++) {
    p[first + q * shape.row] = p[first + q * shape.row] / total;
  }
  y[owned] = point / total;
}
`;
  return { label: 'keypoints_forward', code, bindings };
}

/**
 * Their backward pass:
 *
 *     dx[b, q, k] = p[b, q, k] · ( dy_k · grid[q] − Σ_l p[b, l, k] · dy_k · grid[l] )
 *
 * Bindings: shape · p f32 [b][places][row] · grid vec2f [places] · dy vec2f [b][keypoints] · dx like p. An invocation owns a keypoint of a
 * sample.
 */
export function keypointsBackwardKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'p', access: 'read', type: 'array<f32>' },
    { name: 'grid', access: 'read', type: 'array<vec2f>' },
    { name: 'dy', access: 'read', type: 'array<vec2f>' },
    { name: 'dx', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(KEYPOINT_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owned = ${lineIndex(invocations)};
  if (owned >= shape.batch * shape.keypoints) {
    return;
  }
  let first = owned / shape.keypoints * shape.places * shape.row + owned % shape.keypoints;
  let gradient = dy[owned];
  var mean = 0.0f;
  for (var q = 0u; q < shape.places; q++) {
    mean += p[first + q * shape.row] * dot(gradient, grid[q]);
  }
  for (var q = 0u; q < shape.places; q++) {
    dx[first + q * shape.row] = p[first + q * shape.row] * (dot(gradient, grid[q]) - mean);
  }
}
`;
  return { label: 'keypoints_backward', code, bindings };
}
