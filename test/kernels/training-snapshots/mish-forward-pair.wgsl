// mish_forward pair
// bindings: uniform, read, read, read_write

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
@group(0) @binding(3) var<storage, read_write> both: array<f32>;

fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}


@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.rows * shape.both_row) {
    return;
  }
  let n = e / shape.both_row;
  let j = e % shape.both_row;
  var value = 0.0f;
  if (j < shape.first_width) {
    value = mish(first[shape.first_offset + n * shape.first_row + j]);
  }
  
  if (j >= shape.first_width && j < shape.first_width + shape.second_width) {
    value = mish(second[shape.second_offset + n * shape.second_row + j - shape.first_width]);
  }
  
  both[e] = value;
}
