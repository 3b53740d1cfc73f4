// layer_norm_kept
// bindings: uniform, read, read, read_write, read_write

struct Shape {
  channels: u32,
  width: u32,
  rows: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> affine: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const INVOCATIONS: u32 = 8u;
var<workgroup> scratch: array<f32, 8>;
var<workgroup> scratch_rows: array<f32, 8>;

// In two levels, each in ascending order: invocations 0, 8, 16, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < 8u) {
    var row = scratch[local];
    for (var other = local + 8u; other < 8u; other += 8u) {
      row += scratch[other];
    }
    scratch_rows[local] = row;
  }
  workgroupBarrier();
  var sum = scratch_rows[0];
  sum += scratch_rows[1];
  sum += scratch_rows[2];
  sum += scratch_rows[3];
  sum += scratch_rows[4];
  sum += scratch_rows[5];
  sum += scratch_rows[6];
  sum += scratch_rows[7];
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let row = workgroup.y * count.x + workgroup.x;
  if (row >= shape.rows) {
    return;
  }
  let first = row * shape.channels;
  var sum = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    sum += x[first + c];
  }
  let mean = sum_over_workgroup(sum, local) / f32(shape.channels);
  var squares = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let d = x[first + c] - mean;
    squares += d * d;
  }
  let rho = 1.0f / sqrt(sum_over_workgroup(squares, local) / f32(shape.channels) + 0.000009999999747378752f);
  if (local == 0u) {
    statistics[row] = vec2f(mean, rho);
  }
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    y[first + c] = (x[first + c] - mean) * rho * affine[c] + affine[shape.width + c];
  }
}
