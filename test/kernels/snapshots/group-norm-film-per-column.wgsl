// group_norm, film scale-bias per column
// bindings: uniform, read, read, read, read, read_write

struct Shape {
  channels: u32,
  time_steps: u32,
  group_channels: u32,
  film_offset: u32,
  film_row_length: u32,
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
@group(0) @binding(4) var<storage, read> slot_film: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const INVOCATIONS: u32 = 8u;
const EPSILON: f32 = 0.000009999999747378752f;


fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}


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



fn load(batch: u32, channel: u32, time: u32) -> f32 {
  return x[shape.x_offset + batch * shape.x_batch + channel * shape.x_channel + time * shape.x_time];
}


fn film(batch: u32, value: u32, time: u32) -> f32 {
  return slot_film[(batch * shape.film_row_length + shape.film_offset + value) * shape.time_steps + time];
}


@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let length = shape.time_steps;
  let elements = shape.group_channels * length;
  let first = workgroup.x * shape.group_channels;
  let batch = workgroup.z;

  var sum = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    sum += load(batch, first + e / length, e % length);
  }
  let mean = reduce_sum(sum, local) / f32(elements);

  var squares = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let d = load(batch, first + e / length, e % length) - mean;
    squares += d * d;
  }
  let deviation = sqrt(reduce_sum(squares, local) / f32(elements) + EPSILON);

  for (var e = local; e < elements; e += INVOCATIONS) {
    let channel = first + e / length;
    let time = e % length;
    var h = mish((load(batch, channel, time) - mean) / deviation * gamma[channel] + beta[channel]);
    
    
    h = h * film(batch, channel, time) + film(batch, shape.channels + channel, time);
    
    
    y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + time * shape.y_time] = h;
  }
}
