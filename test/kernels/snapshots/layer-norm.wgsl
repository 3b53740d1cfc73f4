// layer_norm
// bindings: uniform, read, read, read, read_write

struct Shape {
  channels: u32,
  x_offset: u32,
  x_batch: u32,
  x_channel: u32,
  x_time: u32,
  y_offset: u32,
  y_batch: u32,
  y_channel: u32,
  y_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const INVOCATIONS: u32 = 8u;
const EPSILON: f32 = 0.000009999999747378752f;


var<workgroup> scratch: array<f32, 8>;

fn reduce_sum(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 8u; other++) {
    result = result + scratch[other];
  }
  return result;
}



@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let batch = workgroup.z;

  var sum = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    sum += x[shape.x_offset + batch * shape.x_batch + c * shape.x_channel + token * shape.x_time];
  }
  let mean = reduce_sum(sum, local) / f32(shape.channels);

  var squares = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let d = x[shape.x_offset + batch * shape.x_batch + c * shape.x_channel + token * shape.x_time] - mean;
    squares += d * d;
  }
  let deviation = sqrt(reduce_sum(squares, local) / f32(shape.channels) + EPSILON);

  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let value = x[shape.x_offset + batch * shape.x_batch + c * shape.x_channel + token * shape.x_time];
    y[shape.y_offset + batch * shape.y_batch + c * shape.y_channel + token * shape.y_time] = (value - mean) / deviation * gamma[c] + beta[c];
  }
}
