// combine_rows 4
// bindings: uniform, read, read, read, read, read, read_write

struct Shape {
  rows: u32,
  places: u32,
  groups: u32,
  y_offset: u32,
  y_row: u32,
  x0_offset: u32,
  x0_row: u32,
  x1_offset: u32,
  x1_row: u32,
  x2_offset: u32,
  x2_row: u32,
  x3_offset: u32,
  x3_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> coefficients: array<f32>;
@group(0) @binding(2) var<storage, read> x0: array<vec4f>;
@group(0) @binding(3) var<storage, read> x1: array<vec4f>;
@group(0) @binding(4) var<storage, read> x2: array<vec4f>;
@group(0) @binding(5) var<storage, read> x3: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  let n = e / shape.groups;
  let c = e % shape.groups;
  if (n >= shape.rows) {
    return;
  }
  let first = n / shape.places * 4u;
  var sum = vec4f();
  sum += coefficients[first + 0u] * x0[shape.x0_offset + n * shape.x0_row + c];
  sum += coefficients[first + 1u] * x1[shape.x1_offset + n * shape.x1_row + c];
  sum += coefficients[first + 2u] * x2[shape.x2_offset + n * shape.x2_row + c];
  sum += coefficients[first + 3u] * x3[shape.x3_offset + n * shape.x3_row + c];
  y[shape.y_offset + n * shape.y_row + c] = sum;
}
