// group_norm by fours, x uniform, film scale-bias, residual scalar, probed
// bindings: uniform, uniform, read, read, read (dynamic), read, read, read_write, read_write

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
  residual_offset: u32,
  residual_batch: u32,
  residual_channel: u32,
  residual_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> x: array<vec4f, 4096>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read> timestep_film: array<f32>;
@group(0) @binding(5) var<storage, read> observation_film: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<storage, read_write> probe: array<f32>;

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



fn load(batch: u32, channel: u32, time: u32) -> vec4f {
  return x[(shape.x_offset + batch * shape.x_batch + channel * shape.x_channel + time * shape.x_time) / 4u];
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}


fn film(batch: u32, value: u32) -> f32 {
  let index = shape.film_offset + value;
  return timestep_film[index] + observation_film[batch * shape.film_row_length + index];
}


@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let length = shape.time_steps;
  let elements = f32(shape.group_channels * length);
  let first = workgroup.x * shape.group_channels;
  let end = first + shape.group_channels;
  let batch = workgroup.z;

  var sums = vec4f();
  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    for (var time = 0u; time < length; time += 4u) {
      sums += load(batch, channel, time);
    }
  }
  let mean = reduce_sum(sum_of(sums), local) / elements;

  var squares = vec4f();
  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    for (var time = 0u; time < length; time += 4u) {
      let d = load(batch, channel, time) - mean;
      squares += d * d;
    }
  }
  let deviation = sqrt(reduce_sum(sum_of(squares), local) / elements + EPSILON);

  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    let scale = gamma[channel];
    let shift = beta[channel];
    
    let film_scale = film(batch, channel);
    let film_shift = film(batch, shape.channels + channel);
    
    for (var time = 0u; time < length; time += 4u) {
      var h = mish4((load(batch, channel, time) - mean) / deviation * scale + shift);
      
      probe[(batch * shape.channels + channel) * length + time + 0u] = h[0];
      probe[(batch * shape.channels + channel) * length + time + 1u] = h[1];
      probe[(batch * shape.channels + channel) * length + time + 2u] = h[2];
      probe[(batch * shape.channels + channel) * length + time + 3u] = h[3];
      
      
      h = h * film_scale + film_shift;
      
      
      h += vec4f(residual[shape.residual_offset + batch * shape.residual_batch + channel * shape.residual_channel + (time + 0u) * shape.residual_time], residual[shape.residual_offset + batch * shape.residual_batch + channel * shape.residual_channel + (time + 1u) * shape.residual_time], residual[shape.residual_offset + batch * shape.residual_batch + channel * shape.residual_channel + (time + 2u) * shape.residual_time], residual[shape.residual_offset + batch * shape.residual_batch + channel * shape.residual_channel + (time + 3u) * shape.residual_time]);
      
      y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + (time + 0u) * shape.y_time] = h[0];
      y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + (time + 1u) * shape.y_time] = h[1];
      y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + (time + 2u) * shape.y_time] = h[2];
      y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + (time + 3u) * shape.y_time] = h[3];
    }
  }
}
