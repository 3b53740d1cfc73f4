// adam, f16
// bindings: uniform, read, read, read_write, read_write, read_write, read_write

struct Step {
  accumulate: f32,
  inverse_count: f32,
  clip_norm: f32,
  coupled_decay: f32,
  decay_factor: f32,
  beta1: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  step_size: f32,
  root_correction2: f32,
  epsilon: f32,
  one_minus_ema: f32,
  step_low: f32,
  step_high: f32,
}
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> result: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> second: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> halves: array<vec2u>;
fn half_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  // Adding 0.5 leaves an f32 whose last bit is worth 2^-24, the spacing of subnormal halves.
  let subnormal = bitcast<u32>(bitcast<f32>(min(magnitude, 0x38800000u)) + 0.5f) - 0x3f000000u;
  let normal = (max(magnitude, 0x38800000u) - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u;
  var code = select(normal, subnormal, magnitude < 0x38800000u);
  code = select(code, 0x7c00u, magnitude >= 0x477ff000u);
  code = select(code, 0x7e00u, magnitude > 0x7f800000u);
  return ((bits >> 16u) & 0x8000u) | code;
}

fn half_pair(first: f32, second: f32) -> u32 {
  return half_bits(first) | (half_bits(second) << 16u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = id.y * count.x * 64u + id.x;
  if (i >= arrayLength(&weight) || result[3] == 0.0f) {
    return;
  }
  var p = weight[i];
  let g = gradient[i] * result[2] + p * step.coupled_decay;
  p *= step.decay_factor;
  let m = first[i] * step.beta1 + g * step.one_minus_beta1;
  let v = second[i] * step.beta2 + g * g * step.one_minus_beta2;
  p -= step.step_size * m / (sqrt(v) / step.root_correction2 + step.epsilon);
  weight[i] = p;
  first[i] = m;
  second[i] = v;
  
  
  halves[i] = vec2u(half_pair(p.x, p.y), half_pair(p.z, p.w));
  
}
