// row_sums 64
// bindings: uniform, uniform, read, read_write

struct Shape {
  rows: u32,
  groups: u32,
  x_offset: u32,
  x_row: u32,
  y_offset: u32,
}
struct Step {
  accumulate: f32,
  inverse_count: f32,
  clip_norm: f32,
  coupled_decay: f32,
  decay_factor: f32,
  beta1: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  step_size: f32,
  root_correction2: f32,
  epsilon: f32,
  one_minus_ema: f32,
  step_low: f32,
  step_high: f32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

const MEMBERS: u32 = 64u;

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
  if (owner >= shape.groups) {
    return;
  }
  var sum = vec4f();
  for (var start = member; start < shape.rows; start += 32u * MEMBERS) {
    let end = min(start + 32u * MEMBERS, shape.rows);
    var block = vec4f();
    for (var n = start; n < end; n += MEMBERS) {
      block += x[shape.x_offset + n * shape.x_row + owner];
    }
    sum += block;
  }
  sum = vec4f(reduce_sum(sum.x, local), reduce_sum(sum.y, local), reduce_sum(sum.z, local), reduce_sum(sum.w, local));
  if (member == 0u) {
    let at = shape.y_offset + owner;
    if (step.accumulate != 0.0f) {
      sum += y[at];
    }
    y[at] = sum;
  }
}
