// weight_gradient tiled input shifted 8x8 of 1
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

const LANES: u32 = 8u;
const GROUPS: u32 = 8u;
const UNITS: u32 = 16u;
const BLOCK: u32 = 512u;

var<workgroup> outputs: array<array<vec4f, 8>, 32>;
var<workgroup> inputs: array<array<vec4f, 8>, 32>;

fn finish(tap: u32, channel: u32, lane: u32, is_first: bool, sum: vec4f) {
  if (channel >= shape.in_groups * 4u || lane >= shape.out_groups) {
    return;
  }
  let at = tap * shape.weight_tap + channel * shape.weight_row + lane;
  var value = sum;
  if (!is_first || step.accumulate != 0.0f) {
    value += dw[at];
  }
  dw[at] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let tap = workgroup.z;
  let first_lane = workgroup.x * LANES;
  let first_group = workgroup.y * GROUPS;
  let lane_x = local % 8u;
  let group_y = local / 8u;
  var lane_value0: vec4f;
  var lane_value1: vec4f;
  var group_value0: vec4f;
  var group_value1: vec4f;

  for (var block = 0u; block < shape.rows; block += BLOCK) {
    let end = min(block + BLOCK, shape.rows);
    var acc0_0 = vec4f();
    var acc1_0 = vec4f();
    var acc2_0 = vec4f();
    var acc3_0 = vec4f();
    var turn = 0u;
    {
      let start = block;
      {
        let n = start + (local + 0u) / LANES;
        lane_value0 = vec4f();
        if (n < end) {
          lane_value0 = dy[shape.dy_offset + n * shape.dy_row + min(first_lane + (local + 0u) % LANES, shape.out_groups - 1u)];
        }
      }
      {
        let n = start + (local + 64u) / LANES;
        lane_value1 = vec4f();
        if (n < end) {
          lane_value1 = dy[shape.dy_offset + n * shape.dy_row + min(first_lane + (local + 64u) % LANES, shape.out_groups - 1u)];
        }
      }
      {
        let n = start + (local + 0u) / GROUPS;
        let q = i32(n % shape.places * shape.stride + tap) - i32(shape.padding);
        group_value0 = vec4f();
        if (n < end && u32(q) < shape.shifted_length) {
          group_value0 = x[shape.x_offset + (n / shape.places * shape.shifted_length + u32(q)) * shape.x_row + min(first_group + (local + 0u) % GROUPS, shape.in_groups - 1u)];
        }
      }
      {
        let n = start + (local + 64u) / GROUPS;
        let q = i32(n % shape.places * shape.stride + tap) - i32(shape.padding);
        group_value1 = vec4f();
        if (n < end && u32(q) < shape.shifted_length) {
          group_value1 = x[shape.x_offset + (n / shape.places * shape.shifted_length + u32(q)) * shape.x_row + min(first_group + (local + 64u) % GROUPS, shape.in_groups - 1u)];
        }
      }
      outputs[turn * UNITS + (local + 0u) / LANES][(local + 0u) % LANES] = lane_value0;
      outputs[turn * UNITS + (local + 64u) / LANES][(local + 64u) % LANES] = lane_value1;
      inputs[turn * UNITS + (local + 0u) / GROUPS][(local + 0u) % GROUPS] = group_value0;
      inputs[turn * UNITS + (local + 64u) / GROUPS][(local + 64u) % GROUPS] = group_value1;
    }
    workgroupBarrier();
    for (var next = block + UNITS; next < end + UNITS; next += UNITS) {
      let more = next < end;
      if (more) {
        let start = next;
      {
        let n = start + (local + 0u) / LANES;
        lane_value0 = vec4f();
        if (n < end) {
          lane_value0 = dy[shape.dy_offset + n * shape.dy_row + min(first_lane + (local + 0u) % LANES, shape.out_groups - 1u)];
        }
      }
      {
        let n = start + (local + 64u) / LANES;
        lane_value1 = vec4f();
        if (n < end) {
          lane_value1 = dy[shape.dy_offset + n * shape.dy_row + min(first_lane + (local + 64u) % LANES, shape.out_groups - 1u)];
        }
      }
      {
        let n = start + (local + 0u) / GROUPS;
        let q = i32(n % shape.places * shape.stride + tap) - i32(shape.padding);
        group_value0 = vec4f();
        if (n < end && u32(q) < shape.shifted_length) {
          group_value0 = x[shape.x_offset + (n / shape.places * shape.shifted_length + u32(q)) * shape.x_row + min(first_group + (local + 0u) % GROUPS, shape.in_groups - 1u)];
        }
      }
      {
        let n = start + (local + 64u) / GROUPS;
        let q = i32(n % shape.places * shape.stride + tap) - i32(shape.padding);
        group_value1 = vec4f();
        if (n < end && u32(q) < shape.shifted_length) {
          group_value1 = x[shape.x_offset + (n / shape.places * shape.shifted_length + u32(q)) * shape.x_row + min(first_group + (local + 64u) % GROUPS, shape.in_groups - 1u)];
        }
      }
      }
      for (var unit = turn * UNITS; unit < (turn + 1u) * UNITS; unit += 4u) {
        {
          let v = inputs[unit + 0u][group_y];
          let a0 = outputs[unit + 0u][lane_x + 0u];
          acc0_0 += a0 * v[0];
          acc1_0 += a0 * v[1];
          acc2_0 += a0 * v[2];
          acc3_0 += a0 * v[3];
        }
        {
          let v = inputs[unit + 1u][group_y];
          let a0 = outputs[unit + 1u][lane_x + 0u];
          acc0_0 += a0 * v[0];
          acc1_0 += a0 * v[1];
          acc2_0 += a0 * v[2];
          acc3_0 += a0 * v[3];
        }
        {
          let v = inputs[unit + 2u][group_y];
          let a0 = outputs[unit + 2u][lane_x + 0u];
          acc0_0 += a0 * v[0];
          acc1_0 += a0 * v[1];
          acc2_0 += a0 * v[2];
          acc3_0 += a0 * v[3];
        }
        {
          let v = inputs[unit + 3u][group_y];
          let a0 = outputs[unit + 3u][lane_x + 0u];
          acc0_0 += a0 * v[0];
          acc1_0 += a0 * v[1];
          acc2_0 += a0 * v[2];
          acc3_0 += a0 * v[3];
        }
      }
      turn = 1u - turn;
      if (more) {
      outputs[turn * UNITS + (local + 0u) / LANES][(local + 0u) % LANES] = lane_value0;
      outputs[turn * UNITS + (local + 64u) / LANES][(local + 64u) % LANES] = lane_value1;
      inputs[turn * UNITS + (local + 0u) / GROUPS][(local + 0u) % GROUPS] = group_value0;
      inputs[turn * UNITS + (local + 64u) / GROUPS][(local + 64u) % GROUPS] = group_value1;
      }
      workgroupBarrier();
    }
    finish(tap, (first_group + group_y) * 4u + 0u, first_lane + lane_x + 0u, block == 0u, acc0_0);
    finish(tap, (first_group + group_y) * 4u + 1u, first_lane + lane_x + 0u, block == 0u, acc1_0);
    finish(tap, (first_group + group_y) * 4u + 2u, first_lane + lane_x + 0u, block == 0u, acc2_0);
    finish(tap, (first_group + group_y) * 4u + 3u, first_lane + lane_x + 0u, block == 0u, acc3_0);
  }
}
