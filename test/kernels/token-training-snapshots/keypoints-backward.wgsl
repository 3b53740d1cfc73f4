// keypoints_backward
// bindings: uniform, read, read, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  keypoints: u32,
  row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> grid: array<vec2f>;
@group(0) @binding(3) var<storage, read> dy: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owned = id.y * count.x * 64u + id.x;
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
