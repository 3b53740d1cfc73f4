// layer_norm_gradient, added
// bindings: uniform, read, read, read, read, read, read_write

struct Shape {
  channels: u32,
  width: u32,
  rows: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> affine: array<f32>;
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read> added: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

const INVOCATIONS: u32 = 64u;
var<workgroup> scratch: array<f32, 64>;
var<workgroup> scratch_rows: array<f32, 16>;

// In two levels, each in ascending order: invocations 0, 16, 32, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < 16u) {
    var row = scratch[local];
    for (var other = local + 16u; other < 64u; other += 16u) {
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
  sum += scratch_rows[8];
  sum += scratch_rows[9];
  sum += scratch_rows[10];
  sum += scratch_rows[11];
  sum += scratch_rows[12];
  sum += scratch_rows[13];
  sum += scratch_rows[14];
  sum += scratch_rows[15];
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let row = workgroup.y * count.x + workgroup.x;
  if (row >= shape.rows) {
    return;
  }
  let first = row * shape.channels;
  let moments = statistics[row];
  var sum = 0.0f;
  var projected = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let q = affine[c] * dy[first + c];
    sum += q;
    projected += q * (x[first + c] - moments.x) * moments.y;
  }
  let mean = sum_over_workgroup(sum, local) / f32(shape.channels);
  let along = sum_over_workgroup(projected, local) / f32(shape.channels);
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let q = affine[c] * dy[first + c];
    let normalized = (x[first + c] - moments.x) * moments.y;
    let value = moments.y * (q - mean - normalized * along);
    dx[first + c] = value + added[first + c];
  }
}
