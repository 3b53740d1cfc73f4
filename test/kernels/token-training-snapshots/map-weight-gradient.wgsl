// map_weight_gradient 2 subgroup 4
// bindings: uniform, uniform, read, read, read_write
enable subgroups;
struct Shape {
  rows: u32,
  height: u32,
  width: u32,
  source_height: u32,
  source_width: u32,
  stride: u32,
  padding: u32,
  kernel: u32,
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

const GROUPS: u32 = 2u;
const LANES: u32 = 8u;
const BLOCK: u32 = 512u;

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let tap = workgroup.z;
  let tap_y = tap / shape.kernel;
  let tap_x = tap % shape.kernel;
  let lane = workgroup.x * LANES + local;
  let lane_read = min(lane, shape.out_groups - 1u);
  let first_group = workgroup.y * GROUPS;
  let places = shape.height * shape.width;
  let turn0 = (0u + member) / GROUPS;
  let group0 = min(first_group + (0u + member) % GROUPS, shape.in_groups - 1u);

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
    for (var n = start; n < end; n += 2u) {
      let m0 = min(n + turn0, end - 1u);
      let r0 = i32(m0 % places / shape.width * shape.stride + tap_y) - i32(shape.padding);
      let c0 = i32(m0 % shape.width * shape.stride + tap_x) - i32(shape.padding);
      let inside0 = select(0.0f, 1.0f,
        u32(r0) < shape.source_height && u32(c0) < shape.source_width && n + turn0 < end);
      let q0 = (m0 / places * shape.source_height + u32(r0)) * shape.source_width + u32(c0);
      let v0 = x[shape.x_offset + select(0u, q0, inside0 > 0.0f) * shape.x_row + group0] * inside0;
      let a0 = dy[shape.dy_offset + min(n + 0u, end - 1u) * shape.dy_row + lane_read];
      let a1 = dy[shape.dy_offset + min(n + 1u, end - 1u) * shape.dy_row + lane_read];
      acc0 = fma(a0, vec4f(subgroupBroadcast(v0.x, 0u)), acc0);
      acc1 = fma(a0, vec4f(subgroupBroadcast(v0.y, 0u)), acc1);
      acc2 = fma(a0, vec4f(subgroupBroadcast(v0.z, 0u)), acc2);
      acc3 = fma(a0, vec4f(subgroupBroadcast(v0.w, 0u)), acc3);
      acc4 = fma(a0, vec4f(subgroupBroadcast(v0.x, 1u)), acc4);
      acc5 = fma(a0, vec4f(subgroupBroadcast(v0.y, 1u)), acc5);
      acc6 = fma(a0, vec4f(subgroupBroadcast(v0.z, 1u)), acc6);
      acc7 = fma(a0, vec4f(subgroupBroadcast(v0.w, 1u)), acc7);
      acc0 = fma(a1, vec4f(subgroupBroadcast(v0.x, 2u)), acc0);
      acc1 = fma(a1, vec4f(subgroupBroadcast(v0.y, 2u)), acc1);
      acc2 = fma(a1, vec4f(subgroupBroadcast(v0.z, 2u)), acc2);
      acc3 = fma(a1, vec4f(subgroupBroadcast(v0.w, 2u)), acc3);
      acc4 = fma(a1, vec4f(subgroupBroadcast(v0.x, 3u)), acc4);
      acc5 = fma(a1, vec4f(subgroupBroadcast(v0.y, 3u)), acc5);
      acc6 = fma(a1, vec4f(subgroupBroadcast(v0.z, 3u)), acc6);
      acc7 = fma(a1, vec4f(subgroupBroadcast(v0.w, 3u)), acc7);
    }

    let keep = select(1.0f, step.accumulate, start == 0u);
    // The sums move on: one store in a loop.
    let count = min(8u, (shape.in_groups - first_group) * 4u);
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
      acc7 = vec4f();
    }
  }
}
