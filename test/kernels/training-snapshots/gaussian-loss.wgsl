// gaussian_loss
// bindings: uniform, uniform, read, read, read, read, read, read_write, read_write

struct Shape {
  samples: u32,
  places: u32,
  channels: u32,
  half: u32,
  row: u32,
  first_loss: u32,
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
@group(0) @binding(2) var<storage, read> heads: array<f32>;
@group(0) @binding(3) var<storage, read> action: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read> dstart: array<f32>;
@group(0) @binding(6) var<storage, read> weights: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> dheads: array<f32>;
@group(0) @binding(8) var<storage, read_write> losses: array<f32>;

fn softplus(x: f32) -> f32 {
  let u = exp(-abs(x));
  // ln(1 + u) of a small u is u: 1 + u has lost it.
  return max(x, 0.0f) + select(log(1.0f + u), u, u < 1e-4f);
}
fn sigmoid(x: f32) -> f32 {
  let u = exp(-abs(x));
  return select(u, 1.0f, x >= 0.0f) / (1.0f + u);
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch >= shape.samples) {
    return;
  }
  var loss = vec2f();
  for (var i = 0u; i < shape.half; i++) {
    let head = 2u * batch * shape.half + i;
    let t = i / shape.channels;
    if (t >= shape.places) {
      dheads[head] = 0.0f;
      dheads[head + shape.half] = 0.0f;
      continue;
    }
    let n = batch * shape.places + t;
    let at = n * shape.row + i % shape.channels;
    let weight = weights[n];
    let raw = heads[head + shape.half];
    let e = action[at] - heads[head];
    let deviation = softplus(raw);
    let excess = (e - deviation) * (e + deviation);
    loss += weight * vec2f(excess * excess, e * e);
    dheads[head] = dstart[at] - step.inverse_count * (4.0f * weight.x * e * excess + 2.0f * weight.y * e);
    let ddeviation = dstart[at] * noise[at] - step.inverse_count * 4.0f * weight.x * deviation * excess;
    dheads[head + shape.half] = ddeviation * sigmoid(raw);
  }
  losses[shape.first_loss + batch] = loss.x;
  losses[shape.first_loss + shape.samples + batch] = loss.y;
}
