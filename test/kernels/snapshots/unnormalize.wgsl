// unnormalize 16x2
// bindings: read, read, read_write

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

const ELEMENTS: u32 = 32u;
const ACTION_DIM: u32 = 2u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let s = statistics[id.x % ACTION_DIM];
  x[index] = (y[index] + s.x) * s.y * s.z + s.w;
}
