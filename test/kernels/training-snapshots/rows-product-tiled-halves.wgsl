// rows_product tiled forwards f16 32x8 of 4x1
// bindings: uniform, read, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  source_length: u32,
  source_step: u32,
  target_length: u32,
  target_step: u32,
  taps: u32,
  tap_step: u32,
  padding: u32,
  scattered: u32,
  source_groups: u32,
  target_groups: u32,
  weight_row: u32,
  weight_tap: u32,
  bias_offset: u32,
  x_offset: u32,
  x_row: u32,
  y_offset: u32,
  y_row: u32,
  addend_offset: u32,
  addend_row: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

const ROWS: u32 = 32u;
const LANES: u32 = 8u;
const UNITS: u32 = 4u;
const BLOCKS: u32 = 32u;

var<workgroup> inputs: array<array<vec4f, 32>, 8>;
var<workgroup> weights: array<array<vec4f, 8>, 32>;

// Source place of place u at this tap: u * source_step + source_offset(tap, phase).
fn source_offset(tap: u32, phase: u32) -> i32 {
  let gathered = i32(tap) - i32(shape.padding);
  let scattered = (i32(phase) + i32(shape.padding) - i32(tap)) / i32(shape.target_step);
  return select(gathered, scattered, shape.scattered == 1u);
}

fn first_tap(phase: u32) -> u32 {
  return select(0u, (phase + shape.padding) % shape.target_step, shape.scattered == 1u);
}
fn read_weight(index: u32) -> vec4f {
  let words = weight[index];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn finish(n: u32, lane: u32, phase: u32, sum: vec4f) {
  let t = n % shape.places * shape.target_step + phase;
  if (n >= shape.batch * shape.places || lane >= shape.target_groups || t >= shape.target_length) {
    return;
  }
  let row = n / shape.places * shape.target_length + t;
  var value = sum;
  
  
  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let phase = workgroup.z;
  let first_lane = workgroup.x * LANES;
  let first = workgroup.y * ROWS;
  let end = shape.batch * shape.places;
  let lane_x = local % 8u;
  let row_y = local / 8u;
  let tap0 = first_tap(phase);
  let chunks = (shape.source_groups + UNITS - 1u) / UNITS;
  let turns = (shape.taps - tap0 + shape.tap_step - 1u) / shape.tap_step * chunks;
  let n0 = min(first + (local + 0u) / UNITS, end - 1u);
  let sample0 = n0 / shape.places * shape.source_length;
  let place0 = i32(n0 % shape.places * shape.source_step);
  var input0: vec4f;
  let n1 = min(first + (local + 64u) / UNITS, end - 1u);
  let sample1 = n1 / shape.places * shape.source_length;
  let place1 = i32(n1 % shape.places * shape.source_step);
  var input1: vec4f;
  var weight0: vec4f;
  var weight1: vec4f;
  var acc0_0 = vec4f();
  var acc1_0 = vec4f();
  var acc2_0 = vec4f();
  var acc3_0 = vec4f();

  var turn = 0u;
  {
    let turn_index = 0u;
    let unit = turn_index % chunks * UNITS;
    let tap = tap0 + turn_index / chunks * shape.tap_step;
    let offset = source_offset(tap, phase);
    let q0 = place0 + offset;
    input0 = vec4f();
    if (u32(q0) < shape.source_length && unit + local % UNITS < shape.source_groups) {
      input0 = x[shape.x_offset + (sample0 + u32(q0)) * shape.x_row + unit + local % UNITS];
    }
    let q1 = place1 + offset;
    input1 = vec4f();
    if (u32(q1) < shape.source_length && unit + local % UNITS < shape.source_groups) {
      input1 = x[shape.x_offset + (sample1 + u32(q1)) * shape.x_row + unit + local % UNITS];
    }
    weight0 = read_weight(tap * shape.weight_tap
      + min(unit * 4u + (local + 0u) / LANES, shape.source_groups * 4u - 1u) * shape.weight_row
      + min(first_lane + (local + 0u) % LANES, shape.target_groups - 1u));
    weight1 = read_weight(tap * shape.weight_tap
      + min(unit * 4u + (local + 64u) / LANES, shape.source_groups * 4u - 1u) * shape.weight_row
      + min(first_lane + (local + 64u) % LANES, shape.target_groups - 1u));
    inputs[turn * UNITS + local % UNITS][(local + 0u) / UNITS] = input0;
    inputs[turn * UNITS + local % UNITS][(local + 64u) / UNITS] = input1;
    weights[turn * UNITS * 4u + (local + 0u) / LANES][(local + 0u) % LANES] = weight0;
    weights[turn * UNITS * 4u + (local + 64u) / LANES][(local + 64u) % LANES] = weight1;
  }
  workgroupBarrier();
  for (var next = 1u; next <= turns; next++) {
    let more = next < turns;
    if (more) {
      let turn_index = next;
    let unit = turn_index % chunks * UNITS;
    let tap = tap0 + turn_index / chunks * shape.tap_step;
    let offset = source_offset(tap, phase);
    let q0 = place0 + offset;
    input0 = vec4f();
    if (u32(q0) < shape.source_length && unit + local % UNITS < shape.source_groups) {
      input0 = x[shape.x_offset + (sample0 + u32(q0)) * shape.x_row + unit + local % UNITS];
    }
    let q1 = place1 + offset;
    input1 = vec4f();
    if (u32(q1) < shape.source_length && unit + local % UNITS < shape.source_groups) {
      input1 = x[shape.x_offset + (sample1 + u32(q1)) * shape.x_row + unit + local % UNITS];
    }
    weight0 = read_weight(tap * shape.weight_tap
      + min(unit * 4u + (local + 0u) / LANES, shape.source_groups * 4u - 1u) * shape.weight_row
      + min(first_lane + (local + 0u) % LANES, shape.target_groups - 1u));
    weight1 = read_weight(tap * shape.weight_tap
      + min(unit * 4u + (local + 64u) / LANES, shape.source_groups * 4u - 1u) * shape.weight_row
      + min(first_lane + (local + 64u) % LANES, shape.target_groups - 1u));
    }
    {
      let v0 = inputs[turn * UNITS + 0u][row_y + 0u];
      let v1 = inputs[turn * UNITS + 0u][row_y + 8u];
      let v2 = inputs[turn * UNITS + 0u][row_y + 16u];
      let v3 = inputs[turn * UNITS + 0u][row_y + 24u];
      {
        let w = weights[turn * UNITS * 4u + 0u][lane_x + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[turn * UNITS * 4u + 1u][lane_x + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[turn * UNITS * 4u + 2u][lane_x + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[turn * UNITS * 4u + 3u][lane_x + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[turn * UNITS + 1u][row_y + 0u];
      let v1 = inputs[turn * UNITS + 1u][row_y + 8u];
      let v2 = inputs[turn * UNITS + 1u][row_y + 16u];
      let v3 = inputs[turn * UNITS + 1u][row_y + 24u];
      {
        let w = weights[turn * UNITS * 4u + 4u][lane_x + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[turn * UNITS * 4u + 5u][lane_x + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[turn * UNITS * 4u + 6u][lane_x + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[turn * UNITS * 4u + 7u][lane_x + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[turn * UNITS + 2u][row_y + 0u];
      let v1 = inputs[turn * UNITS + 2u][row_y + 8u];
      let v2 = inputs[turn * UNITS + 2u][row_y + 16u];
      let v3 = inputs[turn * UNITS + 2u][row_y + 24u];
      {
        let w = weights[turn * UNITS * 4u + 8u][lane_x + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[turn * UNITS * 4u + 9u][lane_x + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[turn * UNITS * 4u + 10u][lane_x + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[turn * UNITS * 4u + 11u][lane_x + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[turn * UNITS + 3u][row_y + 0u];
      let v1 = inputs[turn * UNITS + 3u][row_y + 8u];
      let v2 = inputs[turn * UNITS + 3u][row_y + 16u];
      let v3 = inputs[turn * UNITS + 3u][row_y + 24u];
      {
        let w = weights[turn * UNITS * 4u + 12u][lane_x + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[turn * UNITS * 4u + 13u][lane_x + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[turn * UNITS * 4u + 14u][lane_x + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[turn * UNITS * 4u + 15u][lane_x + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    turn = 1u - turn;
    if (more) {
    inputs[turn * UNITS + local % UNITS][(local + 0u) / UNITS] = input0;
    inputs[turn * UNITS + local % UNITS][(local + 64u) / UNITS] = input1;
    weights[turn * UNITS * 4u + (local + 0u) / LANES][(local + 0u) % LANES] = weight0;
    weights[turn * UNITS * 4u + (local + 64u) / LANES][(local + 64u) % LANES] = weight1;
    }
    workgroupBarrier();
  }
  finish(first + row_y + 0u, first_lane + lane_x + 0u, phase, acc0_0);
  finish(first + row_y + 8u, first_lane + lane_x + 0u, phase, acc1_0);
  finish(first + row_y + 16u, first_lane + lane_x + 0u, phase, acc2_0);
  finish(first + row_y + 24u, first_lane + lane_x + 0u, phase, acc3_0);
}
