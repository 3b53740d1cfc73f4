// dropped gelu gradient
// bindings: uniform, uniform, read, read, read, read_write

struct Shape {
  elements: u32,
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
@group(0) @binding(3) var<storage, read> a: array<f32>;
@group(0) @binding(4) var<storage, read> b: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

fn kept(element: u32) -> f32 {
  let bit = (mask[shape.mask_word + (element >> 5u)] >> (element & 31u)) & 1u;
  return select(0.0f, dropout.scale, bit == 1u);
}


fn erfc(z: f32) -> f32 {
  let a = abs(z);
  let t = 1.0f / (1.0f + 0.5f * a);
  let p = -1.26551223f + t * (1.00002368f + t * (0.37409196f + t * (0.09678418f + t * (-0.18628806f
    + t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
  let r = t * exp(p - a * a);
  return select(2.0f - r, r, z >= 0.0f);
}
fn gelu(x: f32) -> f32 {
  return 0.5f * x * erfc(x * -0.70710678f);
}
fn gelu4(x: vec4f) -> vec4f {
  return vec4f(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w));
}
fn gelu_slope(x: f32) -> f32 {
  return 0.5f * erfc(x * -0.70710678f) + x * exp(-0.5f * x * x) * 0.39894228f;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.elements) {
    return;
  }
  out[e] = kept(e) * gelu_slope(a[e]) * b[e];
}
