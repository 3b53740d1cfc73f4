// map_norm_backward, residual, relu
// bindings: uniform, read, read, read, read, read, read_write, read_write, read_write

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
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;

const MEMBERS: u32 = 16u;

var<workgroup> scratch: array<f32, 16>;

fn reduce_sum(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 16u; other++) {
    result = result + scratch[other];
  }
  return result;
}



@compute @workgroup_size(16)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x);
  let member = local;
  if (owner >= shape.batch * shape.groups) {
    return;
  }
  let sample = owner / shape.groups;
  let channel = owner % shape.groups * shape.group_channels;
  let first = sample * shape.places * shape.channels + channel;
  let elements = f32(shape.group_channels * shape.places);
  let mean = statistics[owner].x;
  let r = statistics[owner].y;
  var sum_q = 0.0f;
  var sum_qx = 0.0f;
  for (var c = member; c < shape.group_channels; c += MEMBERS) {
    let gamma = affine[channel + c];
    var sum_z = 0.0f;
    var sum_zx = 0.0f;
    for (var place = 0u; place < shape.places; place++) {
      let at = first + place * shape.channels + c;
      let gradient = select(0.0f, dy[at], y[at] > 0.0f);
      
      dz[at] = gradient;
      
      dx[at] = gamma * gradient;
      sum_z += gradient;
      sum_zx += gradient * (x[at] - mean) * r;
    }
    sum_q += gamma * sum_z;
    sum_qx += gamma * sum_zx;
    let to = sample * 2u * shape.channels + channel + c;
    sums[to] = sum_zx;
    sums[to + shape.channels] = sum_z;
  }
  let mean_q = reduce_sum(sum_q, local) / elements;
  let mean_qx = reduce_sum(sum_qx, local) / elements;
  for (var c = member; c < shape.group_channels; c += MEMBERS) {
    for (var place = 0u; place < shape.places; place++) {
      let at = first + place * shape.channels + c;
      dx[at] = r * (dx[at] - mean_q - (x[at] - mean) * r * mean_qx);
    }
  }
}
