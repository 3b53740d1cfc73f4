// gaussian_start
// bindings: uniform, read, read, read_write

struct Shape {
  samples: u32,
  places: u32,
  channels: u32,
  half: u32,
  row: u32,
  first_loss: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> heads: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> start: array<f32>;

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
  for (var t = 0u; t < shape.places; t++) {
    for (var channel = 0u; channel < shape.row; channel++) {
      let at = (batch * shape.places + t) * shape.row + channel;
      var value = 0.0f;
      if (channel < shape.channels) {
        let head = 2u * batch * shape.half + t * shape.channels + channel;
        value = heads[head] + softplus(heads[head + shape.half]) * noise[at];
      }
      start[at] = value;
    }
  }
}
