// step_result
// bindings: uniform, uniform, read, read, read_write

struct Shape {
  samples: u32,
  square_sums: u32,
}
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
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

var<workgroup> partial: array<vec2f, 128>;

@compute @workgroup_size(128)
fn main(@builtin(local_invocation_index) local: u32) {
  var found = vec2f();
  for (var b = local; b < shape.samples; b += 128u) {
    found.x += losses[b];
  }
  for (var start = local; start < shape.square_sums; start += 8192u) {
    var block = 0.0f;
    for (var j = start; j < min(start + 8192u, shape.square_sums); j += 128u) {
      block += sums[j];
    }
    found.y += block;
  }
  partial[local] = found;
  workgroupBarrier();
  if (local == 0u) {
    var all = partial[0];
    for (var i = 1u; i < 128u; i++) {
      all += partial[i];
    }
    let norm = sqrt(all.y);
    let finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
    result[0] = all.x * step.inverse_count;
    result[1] = norm;
    result[2] = select(1.0f, min(1.0f, step.clip_norm / (norm + 1e-6f)), step.clip_norm > 0.0f);
    result[3] = select(0.0f, 1.0f, finite);
    if (!finite && result[4] + result[5] == 0.0f) {
      result[4] = step.step_low;
      result[5] = step.step_high;
    }
  }
}
