// map_norm_forward, residual, relu
// bindings: uniform, read, read, read, read_write, read_write

struct Shape {
  batch: u32,
  places: u32,
  channels: u32,
  groups: u32,
  group_channels: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> affine: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

const MEMBERS: u32 = 1u;
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
  let channel = owner % shape.groups * shape.group_channels;
  let first = owner / shape.groups * shape.places * shape.channels + channel;
  let elements = f32(shape.group_channels * shape.places);
  var sum = 0.0f;
  for (var place = member; place < shape.places; place += MEMBERS) {
    var row = 0.0f;
    for (var c = 0u; c < shape.group_channels; c++) {
      row += x[first + place * shape.channels + c];
    }
    sum += row;
  }
  let mean = reduce_sum(sum, local) / elements;
  var squares = 0.0f;
  for (var place = member; place < shape.places; place += MEMBERS) {
    var row = 0.0f;
    for (var c = 0u; c < shape.group_channels; c++) {
      let d = x[first + place * shape.channels + c] - mean;
      row += d * d;
    }
    squares += row;
  }
  let r = 1.0f / sqrt(reduce_sum(squares, local) / elements + 0.000009999999747378752f);
  if (member == 0u) {
    statistics[owner] = vec2f(mean, r);
  }
  for (var place = member; place < shape.places; place += MEMBERS) {
    for (var c = 0u; c < shape.group_channels; c++) {
      let at = first + place * shape.channels + c;
      var value = (x[at] - mean) * r * affine[channel + c] + affine[shape.channels + channel + c];
      
      value += residual[at];
      
      
      // Not max: NaN must stay.
      value = select(value, 0.0f, value < 0.0f);
      
      y[at] = value;
    }
  }
}
