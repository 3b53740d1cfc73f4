// adam, ema
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
@group(0) @binding(6) var<storage, read_write> ema: array<vec4f>;

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
  
  let average = ema[i];
  ema[i] = average - step.one_minus_ema * (average - p);
  
  
}
