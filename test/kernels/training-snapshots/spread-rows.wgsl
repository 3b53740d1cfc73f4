// spread_rows
// bindings: uniform, read, read_write

struct Shape {
  rows: u32,
  places: u32,
  channels: u32,
  x_offset: u32,
  x_row: u32,
  y_offset: u32,
  y_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.rows * shape.channels) {
    return;
  }
  let row = e / shape.channels;
  let c = e % shape.channels;
  y[shape.y_offset + row * shape.y_row + c] = x[shape.x_offset + row / shape.places * shape.x_row + c];
}
