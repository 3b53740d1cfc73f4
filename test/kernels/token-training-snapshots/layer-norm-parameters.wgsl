// layer_norm_parameters
// bindings: uniform, read, read, read, read_write

struct Shape {
  channels: u32,
  width: u32,
  rows: u32,
  block_rows: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.channels) {
    return;
  }
  let begin = id.y * shape.block_rows;
  var scale = 0.0f;
  var shift = 0.0f;
  for (var row = begin; row < min(begin + shape.block_rows, shape.rows); row++) {
    let moments = statistics[row];
    let gradient = dy[row * shape.channels + id.x];
    scale += gradient * ((x[row * shape.channels + id.x] - moments.x) * moments.y);
    shift += gradient;
  }
  let at = id.y * 2u * shape.width + id.x;
  partial[at] = scale;
  partial[at + shape.width] = shift;
}
