// normalize 2x5
// bindings: read, read, read_write

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const ELEMENTS: u32 = 10u;
const WIDTH: u32 = 5u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let s = statistics[id.x % WIDTH];
  y[index] = (x[index] - s.x) / s.y * s.z + s.w;
}
