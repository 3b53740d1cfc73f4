// rows_product forwards bias 8 subgroup 4
// bindings: uniform, read, read, read, read_write
enable subgroups;
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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

const COLUMNS: u32 = 8u;
const LANES: u32 = 8u;

// Source place of place u at this tap: u * source_step + source_offset(tap, phase).
fn source_offset(tap: u32, phase: u32) -> i32 {
  let gathered = i32(tap) - i32(shape.padding);
  let scattered = (i32(phase) + i32(shape.padding) - i32(tap)) / i32(shape.target_step);
  return select(gathered, scattered, shape.scattered == 1u);
}

fn first_tap(phase: u32) -> u32 {
  return select(0u, (phase + shape.padding) % shape.target_step, shape.scattered == 1u);
}

fn finish(n: u32, lane: u32, phase: u32, sum: vec4f) {
  let t = n % shape.places * shape.target_step + phase;
  if (lane >= shape.target_groups || t >= shape.target_length) {
    return;
  }
  let row = n / shape.places * shape.target_length + t;
  var value = sum;
  
  value += bias[shape.bias_offset + lane];
  
  
  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let phase = workgroup.z;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let column = min(lane, shape.target_groups - 1u);
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * shape.places;
  let n0 = min(first + 0u + member, end - 1u);
  let sample0 = n0 / shape.places * shape.source_length;
  let place0 = i32(n0 % shape.places * shape.source_step);
  let n1 = min(first + 4u + member, end - 1u);
  let sample1 = n1 / shape.places * shape.source_length;
  let place1 = i32(n1 % shape.places * shape.source_step);
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();
  var acc4 = vec4f();
  var acc5 = vec4f();
  var acc6 = vec4f();
  var acc7 = vec4f();

  for (var tap = first_tap(phase); tap < shape.taps; tap += shape.tap_step) {
    let offset = source_offset(tap, phase);
    let base = tap * shape.weight_tap + column;
    let q0 = place0 + offset;
    let inside0 = select(0.0f, 1.0f, u32(q0) < shape.source_length);
    let from0 = shape.x_offset + (sample0 + select(0u, u32(q0), inside0 > 0.0f)) * shape.x_row;
    let q1 = place1 + offset;
    let inside1 = select(0.0f, 1.0f, u32(q1) < shape.source_length);
    let from1 = shape.x_offset + (sample1 + select(0u, u32(q1), inside1 > 0.0f)) * shape.x_row;
    for (var k = 0u; k < shape.source_groups; k++) {
      let w0 = weight[base + (k * 4u + 0u) * shape.weight_row];
      let w1 = weight[base + (k * 4u + 1u) * shape.weight_row];
      let w2 = weight[base + (k * 4u + 2u) * shape.weight_row];
      let w3 = weight[base + (k * 4u + 3u) * shape.weight_row];
      let v0 = x[from0 + k] * inside0;
      let v1 = x[from1 + k] * inside1;
      acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 0u)), acc0);
      acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 0u)), acc0);
      acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 0u)), acc0);
      acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 0u)), acc0);
      acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 1u)), acc1);
      acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 1u)), acc1);
      acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 1u)), acc1);
      acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 1u)), acc1);
      acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 2u)), acc2);
      acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 2u)), acc2);
      acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 2u)), acc2);
      acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 2u)), acc2);
      acc3 = fma(w0, vec4f(subgroupBroadcast(v0.x, 3u)), acc3);
      acc3 = fma(w1, vec4f(subgroupBroadcast(v0.y, 3u)), acc3);
      acc3 = fma(w2, vec4f(subgroupBroadcast(v0.z, 3u)), acc3);
      acc3 = fma(w3, vec4f(subgroupBroadcast(v0.w, 3u)), acc3);
      acc4 = fma(w0, vec4f(subgroupBroadcast(v1.x, 0u)), acc4);
      acc4 = fma(w1, vec4f(subgroupBroadcast(v1.y, 0u)), acc4);
      acc4 = fma(w2, vec4f(subgroupBroadcast(v1.z, 0u)), acc4);
      acc4 = fma(w3, vec4f(subgroupBroadcast(v1.w, 0u)), acc4);
      acc5 = fma(w0, vec4f(subgroupBroadcast(v1.x, 1u)), acc5);
      acc5 = fma(w1, vec4f(subgroupBroadcast(v1.y, 1u)), acc5);
      acc5 = fma(w2, vec4f(subgroupBroadcast(v1.z, 1u)), acc5);
      acc5 = fma(w3, vec4f(subgroupBroadcast(v1.w, 1u)), acc5);
      acc6 = fma(w0, vec4f(subgroupBroadcast(v1.x, 2u)), acc6);
      acc6 = fma(w1, vec4f(subgroupBroadcast(v1.y, 2u)), acc6);
      acc6 = fma(w2, vec4f(subgroupBroadcast(v1.z, 2u)), acc6);
      acc6 = fma(w3, vec4f(subgroupBroadcast(v1.w, 2u)), acc6);
      acc7 = fma(w0, vec4f(subgroupBroadcast(v1.x, 3u)), acc7);
      acc7 = fma(w1, vec4f(subgroupBroadcast(v1.y, 3u)), acc7);
      acc7 = fma(w2, vec4f(subgroupBroadcast(v1.z, 3u)), acc7);
      acc7 = fma(w3, vec4f(subgroupBroadcast(v1.w, 3u)), acc7);
    }
  }

  // One store in a loop, and the sums move on: text for every row takes a software driver long to compile.
  let count = min(COLUMNS, end - first);
  for (var c = 0u; c < count; c++) {
    finish(first + c, lane, phase, acc0);
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
