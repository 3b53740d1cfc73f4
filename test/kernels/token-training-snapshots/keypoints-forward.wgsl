// keypoints_forward
// bindings: uniform, read, read, read_write, read_write

struct Shape {
  batch: u32,
  places: u32,
  keypoints: u32,
  row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> grid: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owned = id.y * count.x * 64u + id.x;
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
