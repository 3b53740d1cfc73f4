// shift_chunk 16x2 by 8
// bindings: read, read_write

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

const HORIZON: u32 = 16u;
const ACTION_DIM: u32 = 2u;
const ELEMENTS: u32 = HORIZON * ACTION_DIM;
const ROWS: u32 = 8u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let row = min(id.x / ACTION_DIM + ROWS, HORIZON - 1u);
  y[id.z * ELEMENTS + id.x] = x[id.z * ELEMENTS + row * ACTION_DIM + id.x % ACTION_DIM];
}
