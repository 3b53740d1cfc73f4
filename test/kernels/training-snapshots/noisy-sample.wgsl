// noisy_sample
// bindings: uniform, read, read, read, read_write

struct Shape {
  rows: u32,
  places: u32,
  channels: u32,
  row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> action: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read> coefficients: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.rows * shape.row) {
    return;
  }
  let n = e / shape.row;
  let channel = e % shape.row;
  var value = 0.0f;
  if (channel < shape.channels) {
    let at = n * shape.channels + channel;
    let c = coefficients[n / shape.places];
    value = c.x * action[at] + c.y * noise[at];
  }
  x[e] = value;
}
