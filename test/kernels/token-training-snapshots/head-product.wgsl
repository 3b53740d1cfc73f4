// head_product
// bindings: uniform, read, read, read_write

struct Shape {
  rows: u32,
  columns: u32,
  inner: u32,
  factor: u32,
  a_offset: u32,
  a_batch: u32,
  a_head: u32,
  a_row: u32,
  a_column: u32,
  b_offset: u32,
  b_batch: u32,
  b_head: u32,
  b_row: u32,
  b_column: u32,
  c_offset: u32,
  c_batch: u32,
  c_head: u32,
  c_row: u32,
  c_column: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const TILE: u32 = 4u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column_tiles = (shape.columns + TILE - 1u) / TILE;
  let row = id.x / column_tiles * TILE;
  let column = id.x % column_tiles * TILE;
  if (row >= shape.rows) {
    return;
  }
  let a_first = shape.a_offset + id.z * shape.a_batch + id.y * shape.a_head;
  let b_first = shape.b_offset + id.z * shape.b_batch + id.y * shape.b_head;
  var a0 = a_first + min(row + 0u, shape.rows - 1u) * shape.a_row;
  var a1 = a_first + min(row + 1u, shape.rows - 1u) * shape.a_row;
  var a2 = a_first + min(row + 2u, shape.rows - 1u) * shape.a_row;
  var a3 = a_first + min(row + 3u, shape.rows - 1u) * shape.a_row;
  var b0 = b_first + min(column + 0u, shape.columns - 1u) * shape.b_column;
  var b1 = b_first + min(column + 1u, shape.columns - 1u) * shape.b_column;
  var b2 = b_first + min(column + 2u, shape.columns - 1u) * shape.b_column;
  var b3 = b_first + min(column + 3u, shape.columns - 1u) * shape.b_column;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < shape.inner; k++) {
    let values = vec4f(b[b0], b[b1], b[b2], b[b3]);
    sum0 += a[a0] * values;
    sum1 += a[a1] * values;
    sum2 += a[a2] * values;
    sum3 += a[a3] * values;
    a0 += shape.a_column;
    b0 += shape.b_row;
    a1 += shape.a_column;
    b1 += shape.b_row;
    a2 += shape.a_column;
    b2 += shape.b_row;
    a3 += shape.a_column;
    b3 += shape.b_row;
  }
  let factor = bitcast<f32>(shape.factor);
  let c_first = shape.c_offset + id.z * shape.c_batch + id.y * shape.c_head;
  let last = min(TILE, shape.columns - column);
  // One store in a loop, and the sums move on: text for every element takes a software driver long to compile.
  for (var i = row; i < min(row + TILE, shape.rows); i++) {
    for (var j = 0u; j < last; j++) {
      c[c_first + i * shape.c_row + (column + j) * shape.c_column] = sum0[j] * factor;
    }
    sum0 = sum1;
    sum1 = sum2;
    sum2 = sum3;
  }
}
