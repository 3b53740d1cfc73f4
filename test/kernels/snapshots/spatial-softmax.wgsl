// spatial_softmax
// bindings: uniform, read, read, read_write

struct Shape {
  keypoints: u32,
  positions: u32,
  frames: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> grid: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2f>;

const INVOCATIONS: u32 = 8u;
var<workgroup> scratch: array<array<vec4f, 3>, 8>;

@compute @workgroup_size(8)
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
