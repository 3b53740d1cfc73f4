// latent_forward exp
// bindings: uniform, read, read, read, read_write

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
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> heads: array<f32>;
@group(0) @binding(3) var<storage, read> drawn: array<f32>;
@group(0) @binding(4) var<storage, read_write> joined: array<f32>;

fn deviation(raw: f32) -> f32 {
  return exp(clamp(raw, -6.0f, 6.0f));
}
fn log_deviation(raw: f32) -> f32 {
  return clamp(raw, -6.0f, 6.0f);
}
fn slope(raw: f32) -> f32 {
  return select(0.0f, exp(raw), raw >= -6.0f && raw <= 6.0f);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.samples * shape.joined_row) {
    return;
  }
  let b = e / shape.joined_row;
  let j = e % shape.joined_row;
  var value = 0.0f;
  if (j < shape.condition) {
    value = source[shape.from_offset + b * shape.from_row + j];
  } else if (j < shape.condition + shape.latents) {
    let l = j - shape.condition;
    let mean = heads[b * shape.heads_row + l];
    let raw = heads[b * shape.heads_row + shape.latents + l];
    value = mean + deviation(raw) * drawn[b * shape.latents + l];
  }
  joined[e] = value;
}
