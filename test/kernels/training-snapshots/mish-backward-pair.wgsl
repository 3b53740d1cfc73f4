// mish_backward pair
// bindings: uniform, read, read, read, read_write, read_write

struct Shape {
  rows: u32,
  first_width: u32,
  second_width: u32,
  first_offset: u32,
  first_row: u32,
  second_offset: u32,
  second_row: u32,
  both_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> first: array<f32>;
@group(0) @binding(2) var<storage, read> second: array<f32>;
@group(0) @binding(3) var<storage, read> dboth: array<f32>;
@group(0) @binding(4) var<storage, read_write> dfirst: array<f32>;
@group(0) @binding(5) var<storage, read_write> dsecond: array<f32>;

fn mish_gradient(x: f32) -> f32 {
  let u = exp(-abs(x));
  let positive = x >= 0.0f;
  let numerator = select(u * u + 2.0f * u, 1.0f + 2.0f * u, positive);
  let rest = select(2.0f, 2.0f * u * u, positive);
  let denominator = numerator + rest;
  let tau = numerator / denominator;
  let sigma = select(u, 1.0f, positive) / (1.0f + u);
  return tau + x * sigma * (rest / denominator) * (1.0f + tau);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.rows * shape.both_row) {
    return;
  }
  let n = e / shape.both_row;
  let j = e % shape.both_row;
  if (j < shape.first_width) {
    let at = n * shape.first_row + j;
    dfirst[at] = dboth[e] * mish_gradient(first[shape.first_offset + at]);
  }
  
  if (j >= shape.first_width && j < shape.first_width + shape.second_width) {
    let at = n * shape.second_row + j - shape.first_width;
    dsecond[at] = dboth[e] * mish_gradient(second[shape.second_offset + at]);
  }
  
}
