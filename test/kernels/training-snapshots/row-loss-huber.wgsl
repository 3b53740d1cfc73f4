// row_loss huber
// bindings: uniform, uniform, read, read, read, read_write, read_write

struct Shape {
  samples: u32,
  places: u32,
  channels: u32,
  y_offset: u32,
  y_row: u32,
  target_offset: u32,
  target_row: u32,
  dy_offset: u32,
  dy_row: u32,
  first_loss: u32,
  delta: u32,
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
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> expected: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch >= shape.samples) {
    return;
  }
  let delta = bitcast<f32>(shape.delta);
  var loss = 0.0f;
  for (var t = 0u; t < shape.places; t++) {
    let n = batch * shape.places + t;
    let weight = weights[n];
    for (var channel = 0u; channel < shape.dy_row; channel++) {
      var gradient = 0.0f;
      if (channel < shape.channels) {
        let value = y[shape.y_offset + n * shape.y_row + channel];
        let target_value = expected[shape.target_offset + n * shape.target_row + channel];
        let e = value - target_value;
        let squared = e * e;
        let root = sqrt(squared * squared + delta * delta);
        loss += weight * (squared * squared / (root + delta));
        gradient = 2.0f * e * squared / root;
        gradient *= step.inverse_count * weight;
      }
      dy[shape.dy_offset + n * shape.dy_row + channel] = gradient;
    }
  }
  losses[shape.first_loss + batch] = loss;
}
