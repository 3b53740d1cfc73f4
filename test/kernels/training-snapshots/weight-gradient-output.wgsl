// weight_gradient output shifted 4
// bindings: uniform, uniform, read, read, read_write

struct Shape {
  rows: u32,
  places: u32,
  shifted_length: u32,
  stride: u32,
  padding: u32,
  in_groups: u32,
  out_groups: u32,
  weight_row: u32,
  weight_tap: u32,
  x_offset: u32,
  x_row: u32,
  dy_offset: u32,
  dy_row: u32,
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
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4f>;

const GROUPS: u32 = 4u;
const LANES: u32 = 8u;
const BLOCK: u32 = 512u;

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,

) {
  let tap = workgroup.z;
  let lane = workgroup.x * LANES + local;
  let lane_read = min(lane, shape.out_groups - 1u);
  let first_group = workgroup.y * GROUPS;
  let turn0 = (0u) / GROUPS;
  let group0 = min(first_group + (0u) % GROUPS, shape.in_groups - 1u);
  let turn1 = (1u) / GROUPS;
  let group1 = min(first_group + (1u) % GROUPS, shape.in_groups - 1u);
  let turn2 = (2u) / GROUPS;
  let group2 = min(first_group + (2u) % GROUPS, shape.in_groups - 1u);
  let turn3 = (3u) / GROUPS;
  let group3 = min(first_group + (3u) % GROUPS, shape.in_groups - 1u);

  for (var start = 0u; start < shape.rows; start += BLOCK) {
    let end = min(start + BLOCK, shape.rows);
    var acc0 = vec4f();
    var acc1 = vec4f();
    var acc2 = vec4f();
    var acc3 = vec4f();
    var acc4 = vec4f();
    var acc5 = vec4f();
    var acc6 = vec4f();
    var acc7 = vec4f();
    var acc8 = vec4f();
    var acc9 = vec4f();
    var acc10 = vec4f();
    var acc11 = vec4f();
    var acc12 = vec4f();
    var acc13 = vec4f();
    var acc14 = vec4f();
    var acc15 = vec4f();
    var lane_b0 = (start + 0u) / shape.places;
    var lane_u0 = (start + 0u) % shape.places;
    for (var n = start; n < end; n += 1u) {
      let inside0 = select(0.0f, 1.0f, n + turn0 < end);
      let v0 = x[shape.x_offset + min(n + turn0, end - 1u) * shape.x_row + group0] * inside0;
      let inside1 = select(0.0f, 1.0f, n + turn1 < end);
      let v1 = x[shape.x_offset + min(n + turn1, end - 1u) * shape.x_row + group1] * inside1;
      let inside2 = select(0.0f, 1.0f, n + turn2 < end);
      let v2 = x[shape.x_offset + min(n + turn2, end - 1u) * shape.x_row + group2] * inside2;
      let inside3 = select(0.0f, 1.0f, n + turn3 < end);
      let v3 = x[shape.x_offset + min(n + turn3, end - 1u) * shape.x_row + group3] * inside3;
      let r0 = i32(lane_u0 * shape.stride + tap) - i32(shape.padding);
      let held0 = select(0.0f, 1.0f, u32(r0) < shape.shifted_length);
      let a0 = dy[shape.dy_offset + select(0u, lane_b0 * shape.shifted_length + u32(r0), held0 > 0.0f) * shape.dy_row + lane_read] * held0;
      acc0 = fma(a0, vec4f(v0.x), acc0);
      acc1 = fma(a0, vec4f(v0.y), acc1);
      acc2 = fma(a0, vec4f(v0.z), acc2);
      acc3 = fma(a0, vec4f(v0.w), acc3);
      acc4 = fma(a0, vec4f(v1.x), acc4);
      acc5 = fma(a0, vec4f(v1.y), acc5);
      acc6 = fma(a0, vec4f(v1.z), acc6);
      acc7 = fma(a0, vec4f(v1.w), acc7);
      acc8 = fma(a0, vec4f(v2.x), acc8);
      acc9 = fma(a0, vec4f(v2.y), acc9);
      acc10 = fma(a0, vec4f(v2.z), acc10);
      acc11 = fma(a0, vec4f(v2.w), acc11);
      acc12 = fma(a0, vec4f(v3.x), acc12);
      acc13 = fma(a0, vec4f(v3.y), acc13);
      acc14 = fma(a0, vec4f(v3.z), acc14);
      acc15 = fma(a0, vec4f(v3.w), acc15);
      lane_u0 += 1u;
      lane_b0 += select(0u, 1u, lane_u0 >= shape.places);
      lane_u0 -= select(0u, shape.places, lane_u0 >= shape.places);
    }

    let keep = select(1.0f, step.accumulate, start == 0u);
    // The sums move on: one store in a loop.
    let count = min(16u, (shape.in_groups - first_group) * 4u);
    for (var c = 0u; c < count; c++) {
      if (lane < shape.out_groups) {
        let at = tap * shape.weight_tap + (first_group * 4u + c) * shape.weight_row + lane;
        var sum = acc0;
        if (keep != 0.0f) {
          sum += dw[at];
        }
        dw[at] = sum;
      }
      acc0 = acc1;
      acc1 = acc2;
      acc2 = acc3;
      acc3 = acc4;
      acc4 = acc5;
      acc5 = acc6;
      acc6 = acc7;
      acc7 = acc8;
      acc8 = acc9;
      acc9 = acc10;
      acc10 = acc11;
      acc11 = acc12;
      acc12 = acc13;
      acc13 = acc14;
      acc14 = acc15;
      acc15 = vec4f();
    }
  }
}
