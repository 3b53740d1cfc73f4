// latent_backward softplus
// bindings: uniform, uniform, read, read, read, read, read_write, read_write

struct Shape {
  samples: u32,
  condition: u32,
  latents: u32,
  from_offset: u32,
  from_row: u32,
  heads_row: u32,
  joined_row: u32,
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
@group(0) @binding(3) var<storage, read> drawn: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> djoined: array<f32>;
@group(0) @binding(6) var<storage, read_write> dheads: array<f32>;
@group(0) @binding(7) var<storage, read_write> losses: array<f32>;

fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  // ln(1 + e), where 1 + e has lost the digits of e as a series.
  let series = e * (1.0f - e * (0.5f - e * (0.33333333f - e * (0.25f - e * 0.2f))));
  return max(x, 0.0f) + select(log(1.0f + e), series, e < 0.05f);
}
fn deviation(raw: f32) -> f32 {
  return clamp(softplus(raw), 0.01f, 10.0f);
}
fn log_deviation(raw: f32) -> f32 {
  return log(deviation(raw));
}
fn slope(raw: f32) -> f32 {
  let free = softplus(raw);
  return select(0.0f, 1.0f / (1.0f + exp(-raw)), free >= 0.01f && free <= 10.0f);
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = id.x;
  if (b >= shape.samples) {
    return;
  }
  let weight = weights[b] * step.inverse_count;
  var divergence = 0.0f;
  for (var l = 0u; l < shape.latents; l++) {
    let mean = heads[b * shape.heads_row + l];
    let raw = heads[b * shape.heads_row + shape.latents + l];
    let sigma = deviation(raw);
    let gradient = djoined[b * shape.joined_row + shape.condition + l];
    dheads[b * shape.heads_row + l] = gradient + weight * mean;
    let dsigma = gradient * drawn[b * shape.latents + l] + weight * (sigma - 1.0f / sigma);
    dheads[b * shape.heads_row + shape.latents + l] = dsigma * slope(raw);
    divergence += 0.5f * (mean * mean + sigma * sigma - 1.0f) - log_deviation(raw);
  }
  for (var j = 2u * shape.latents; j < shape.heads_row; j++) {
    dheads[b * shape.heads_row + j] = 0.0f;
  }
  losses[shape.first_loss + b] = weights[b] * divergence;
}
