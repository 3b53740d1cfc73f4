// norm_forward 1, film scale-bias by place
// bindings: uniform, read, read, read, read_write, read_write

struct Shape {
  batch: u32,
  places: u32,
  channels: u32,
  groups: u32,
  group_channels: u32,
  film_offset: u32,
  film_row: u32,
  x_offset: u32,
  x_row: u32,
  y_offset: u32,
  y_row: u32,
  other_offset: u32,
  other_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> affine: array<f32>;
@group(0) @binding(3) var<storage, read> film: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

const MEMBERS: u32 = 1u;
const EPSILON: f32 = 0.000009999999747378752f;

fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}

fn reduce_sum(value: f32, local: u32) -> f32 {
  return value;
}

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x) * 8u + local;
  let member = 0u;
  if (owner >= shape.batch * shape.groups) {
    return;
  }
  let batch = owner / shape.groups;
  let first = owner % shape.groups * shape.group_channels;
  let end = first + shape.group_channels;
  let first_row = batch * shape.places;
  let elements = f32(shape.group_channels * shape.places);

  var sum = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    var at = shape.x_offset + first_row * shape.x_row + c;
    var of_channel = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      of_channel += x[at];
      at += shape.x_row;
    }
    sum += of_channel;
  }
  let mean = reduce_sum(sum, local) / elements;
  var squares = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    var at = shape.x_offset + first_row * shape.x_row + c;
    var of_channel = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let d = x[at] - mean;
      of_channel += d * d;
      at += shape.x_row;
    }
    squares += of_channel;
  }
  let r = 1.0f / sqrt(reduce_sum(squares, local) / elements + EPSILON);
  if (member == 0u) {
    statistics[owner] = vec2f(mean, r);
  }

  for (var c = first + member; c < end; c += MEMBERS) {
    let gamma = affine[c];
    let beta = affine[shape.channels + c];
    
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      var h = mish((x[shape.x_offset + row * shape.x_row + c] - mean) * r * gamma + beta);
      
      
      let film_at = row * shape.film_row + shape.film_offset + c;
      h = h * film[film_at] + film[film_at + shape.channels];
      
      
      y[shape.y_offset + row * shape.y_row + c] = h;
    }
  }
}
