// add_rows
// bindings: uniform, read, read, read_write

struct Shape {
  rows: u32,
  groups: u32,
  a_offset: u32,
  a_row: u32,
  b_offset: u32,
  b_row: u32,
  y_offset: u32,
  y_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  let n = e / shape.groups;
  let c = e % shape.groups;
  if (n < shape.rows) {
    y[shape.y_offset + n * shape.y_row + c] = a[shape.a_offset + n * shape.a_row + c] + b[shape.b_offset + n * shape.b_row + c];
  }
}
