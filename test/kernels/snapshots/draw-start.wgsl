// draw_start 32
// bindings: read, read, read_write, read_write

@group(0) @binding(0) var<storage, read> mean: array<f32>;
@group(0) @binding(1) var<storage, read> noise: array<f32>;
@group(0) @binding(2) var<storage, read_write> deviation: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const ELEMENTS: u32 = 32u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let raw = deviation[index];
  let scale = select(raw, 0.0f, raw < 0.0f) + log(1.0f + exp(-abs(raw)));
  deviation[index] = scale;
  y[index] = mean[index] + scale * noise[index];
}
