// place_tokens, rows
// bindings: uniform, read, read, read_write

struct Shape {
  tokens: u32,
  channels: u32,
  x_offset: u32,
  x_batch: u32,
  x_channel: u32,
  x_time: u32,
  y_offset: u32,
  y_batch: u32,
  y_channel: u32,
  y_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.tokens * shape.channels) {
    return;
  }
  let token = id.x / shape.channels;
  let channel = id.x % shape.channels;
  y[shape.y_offset + id.z * shape.y_batch + channel * shape.y_channel + token * shape.y_time] = x[shape.x_offset + id.z * shape.x_batch + channel * shape.x_channel + token * shape.x_time] + rows[id.x];
}
