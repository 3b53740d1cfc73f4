// norm_backward 64, film bias, probed
// bindings: uniform, read, read, read, read, read_write, read_write, read_write, read_write

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
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dfilm: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;
@group(0) @binding(8) var<storage, read_write> probe: array<f32>;

const MEMBERS: u32 = 64u;

fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}


fn mish_gradient(x: f32) -> f32 {
  let u = exp(-abs(x));
  let positive = x >= 0.0f;
  let numerator = select(u * u + 2.0f * u, 1.0f + 2.0f * u, positive);
  let rest = select(2.0f, 2.0f * u * u, positive);
  let denominator = numerator + rest;
  let tau = numerator / denominator;
  let sigma = select(u, 1.0f, positive) / (1.0f + u);
  return tau + x * sigma * (rest / denominator) * (1.0f + tau);
}

var<workgroup> scratch: array<f32, 64>;

fn reduce_sum(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 64u; other++) {
    result = result + scratch[other];
  }
  return result;
}



@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x);
  let member = local;
  if (owner >= shape.batch * shape.groups) {
    return;
  }
  let batch = owner / shape.groups;
  let first = owner % shape.groups * shape.group_channels;
  let end = first + shape.group_channels;
  let first_row = batch * shape.places;
  let elements = f32(shape.group_channels * shape.places);
  let mean = statistics[owner].x;
  let r = statistics[owner].y;

  var sum_q = 0.0f;
  var sum_qx = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    let gamma = affine[c];
    let beta = affine[shape.channels + c];
    
    let film_at = batch * shape.film_row + shape.film_offset + c;
    
    
    var sum_z = 0.0f;
    var sum_zx = 0.0f;
    var sum_y = 0.0f;
    var sum_yh = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      let normalized = (x[shape.x_offset + row * shape.x_row + c] - mean) * r;
      let z = normalized * gamma + beta;
      let gradient = dy[shape.other_offset + row * shape.other_row + c];
      var dh = gradient;
      
      
      sum_y += gradient;
      
      
      probe[row * shape.channels + c] = dh;
      
      let dz = dh * mish_gradient(z);
      sum_z += dz;
      sum_zx += dz * normalized;
      dx[shape.y_offset + row * shape.y_row + c] = dz * gamma;
    }
    sum_q += gamma * sum_z;
    sum_qx += gamma * sum_zx;
    let at = batch * 3u * shape.channels + c;
    sums[at] = sum_zx;
    sums[at + shape.channels] = sum_z;
    
    dfilm[film_at] = sum_y;
    
  }
  let mean_q = reduce_sum(sum_q, local) / elements;
  let mean_qx = reduce_sum(sum_qx, local) / elements;

  for (var c = first + member; c < end; c += MEMBERS) {
    var sum = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      let normalized = (x[shape.x_offset + row * shape.x_row + c] - mean) * r;
      let at = shape.y_offset + row * shape.y_row + c;
      let gradient = r * (dx[at] - mean_q - normalized * mean_qx);
      dx[at] = gradient;
      sum += gradient;
    }
    sums[(batch * 3u + 2u) * shape.channels + c] = sum;
  }
}
