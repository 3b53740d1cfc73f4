// mean_squared_error
// bindings: uniform, uniform, read, read, read, read_write, read_write

struct Shape {
  rows: u32,
  places: u32,
  channels: u32,
  row: u32,
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
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch * shape.places >= shape.rows) {
    return;
  }
  var loss = 0.0f;
  for (var t = 0u; t < shape.places; t++) {
    let n = batch * shape.places + t;
    let weight = counts[n];
    var row_loss = 0.0f;
    for (var channel = 0u; channel < shape.row; channel++) {
      var gradient = 0.0f;
      if (channel < shape.channels) {
        let difference = y[n * shape.row + channel] - expected[n * shape.channels + channel];
        row_loss += weight * difference * difference;
        gradient = 2.0f * step.inverse_count * weight * difference;
      }
      dy[n * shape.row + channel] = gradient;
    }
    loss += row_loss;
  }
  losses[batch] = loss;
}
