// softmax_rows_gradient
// bindings: uniform, uniform, read, read, read_write

struct Shape {
  rows: u32,
  width: u32,
  mask_word: u32,
}
struct Dropout {
  seed_low: u32,
  seed_high: u32,
  step: u32,
  threshold: u32,
  scale: f32,
  drawn: u32,
  unused0: u32,
  unused1: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> dropout: Dropout;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read> p: array<f32>;
@group(0) @binding(4) var<storage, read_write> ds: array<f32>;

fn kept(element: u32) -> f32 {
  let bit = (mask[shape.mask_word + (element >> 5u)] >> (element & 31u)) & 1u;
  return select(0.0f, dropout.scale, bit == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let row = id.y * count.x * 64u + id.x;
  if (row >= shape.rows) {
    return;
  }
  let first = row * shape.width;
  var projected = 0.0f;
  for (var j = 0u; j < shape.width; j++) {
    let dp = kept(first + j) * ds[first + j];
    ds[first + j] = dp;
    projected += p[first + j] * dp;
  }
  for (var j = 0u; j < shape.width; j++) {
    ds[first + j] = p[first + j] * (ds[first + j] - projected);
  }
}
