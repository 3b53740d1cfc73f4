// start 32
// bindings: read, read, read, read_write, read_write

@group(0) @binding(0) var<storage, read> scales: array<vec2f>;
@group(0) @binding(1) var<storage, read> prediction: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> status: array<atomic<u32>>;

const ELEMENTS: u32 = 32u;
const START_STATUS: u32 = 4294967295u;

fn report_non_finite(value: f32, sample_index: u32, code: u32) {
  if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
    atomicMax(&status[sample_index], code);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let scale = scales[id.z];
  var value = scale.y * noise[index];
  if (scale.x != 0.0f) {
    value += scale.x * prediction[index];
  }
  report_non_finite(value, id.z, START_STATUS);
  x[index] = value;
}
