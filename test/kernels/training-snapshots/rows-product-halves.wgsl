// rows_product backwards f16 8
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
fn read_weight(index: u32) -> vec4f {
  let words = weight[index];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn finish(n: u32, lane: u32, phase: u32, sum: vec4f) {
  let t = n % shape.places * shape.target_step + phase;
  if (lane >= shape.target_groups || t >= shape.target_length) {
    return;
  }
  let row = n / shape.places * shape.target_length + t;
  var value = sum;
  
  
  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,

) {
  let phase = workgroup.z;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let column = min(lane, shape.target_groups - 1u);
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * shape.places;
  let n0 = min(first + 0u, end - 1u);
  let sample0 = n0 / shape.places * shape.source_length;
  let place0 = i32(n0 % shape.places * shape.source_step);
  let n1 = min(first + 1u, end - 1u);
  let sample1 = n1 / shape.places * shape.source_length;
  let place1 = i32(n1 % shape.places * shape.source_step);
  let n2 = min(first + 2u, end - 1u);
  let sample2 = n2 / shape.places * shape.source_length;
  let place2 = i32(n2 % shape.places * shape.source_step);
  let n3 = min(first + 3u, end - 1u);
  let sample3 = n3 / shape.places * shape.source_length;
  let place3 = i32(n3 % shape.places * shape.source_step);
  let n4 = min(first + 4u, end - 1u);
  let sample4 = n4 / shape.places * shape.source_length;
  let place4 = i32(n4 % shape.places * shape.source_step);
  let n5 = min(first + 5u, end - 1u);
  let sample5 = n5 / shape.places * shape.source_length;
  let place5 = i32(n5 % shape.places * shape.source_step);
  let n6 = min(first + 6u, end - 1u);
  let sample6 = n6 / shape.places * shape.source_length;
  let place6 = i32(n6 % shape.places * shape.source_step);
  let n7 = min(first + 7u, end - 1u);
  let sample7 = n7 / shape.places * shape.source_length;
  let place7 = i32(n7 % shape.places * shape.source_step);
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
    let base = tap * shape.weight_tap + column * 4u * shape.weight_row;
    let q0 = place0 + offset;
    let inside0 = select(0.0f, 1.0f, u32(q0) < shape.source_length);
    let from0 = shape.x_offset + (sample0 + select(0u, u32(q0), inside0 > 0.0f)) * shape.x_row;
    let q1 = place1 + offset;
    let inside1 = select(0.0f, 1.0f, u32(q1) < shape.source_length);
    let from1 = shape.x_offset + (sample1 + select(0u, u32(q1), inside1 > 0.0f)) * shape.x_row;
    let q2 = place2 + offset;
    let inside2 = select(0.0f, 1.0f, u32(q2) < shape.source_length);
    let from2 = shape.x_offset + (sample2 + select(0u, u32(q2), inside2 > 0.0f)) * shape.x_row;
    let q3 = place3 + offset;
    let inside3 = select(0.0f, 1.0f, u32(q3) < shape.source_length);
    let from3 = shape.x_offset + (sample3 + select(0u, u32(q3), inside3 > 0.0f)) * shape.x_row;
    let q4 = place4 + offset;
    let inside4 = select(0.0f, 1.0f, u32(q4) < shape.source_length);
    let from4 = shape.x_offset + (sample4 + select(0u, u32(q4), inside4 > 0.0f)) * shape.x_row;
    let q5 = place5 + offset;
    let inside5 = select(0.0f, 1.0f, u32(q5) < shape.source_length);
    let from5 = shape.x_offset + (sample5 + select(0u, u32(q5), inside5 > 0.0f)) * shape.x_row;
    let q6 = place6 + offset;
    let inside6 = select(0.0f, 1.0f, u32(q6) < shape.source_length);
    let from6 = shape.x_offset + (sample6 + select(0u, u32(q6), inside6 > 0.0f)) * shape.x_row;
    let q7 = place7 + offset;
    let inside7 = select(0.0f, 1.0f, u32(q7) < shape.source_length);
    let from7 = shape.x_offset + (sample7 + select(0u, u32(q7), inside7 > 0.0f)) * shape.x_row;
    for (var k = 0u; k < shape.source_groups; k++) {
      let r0 = read_weight(base + 0u * shape.weight_row + k);
      let r1 = read_weight(base + 1u * shape.weight_row + k);
      let r2 = read_weight(base + 2u * shape.weight_row + k);
      let r3 = read_weight(base + 3u * shape.weight_row + k);
      let w0 = vec4f(r0[0], r1[0], r2[0], r3[0]);
      let w1 = vec4f(r0[1], r1[1], r2[1], r3[1]);
      let w2 = vec4f(r0[2], r1[2], r2[2], r3[2]);
      let w3 = vec4f(r0[3], r1[3], r2[3], r3[3]);
      let v0 = x[from0 + k] * inside0;
      let v1 = x[from1 + k] * inside1;
      let v2 = x[from2 + k] * inside2;
      let v3 = x[from3 + k] * inside3;
      let v4 = x[from4 + k] * inside4;
      let v5 = x[from5 + k] * inside5;
      let v6 = x[from6 + k] * inside6;
      let v7 = x[from7 + k] * inside7;
      acc0 = fma(w0, vec4f(v0.x), acc0);
      acc0 = fma(w1, vec4f(v0.y), acc0);
      acc0 = fma(w2, vec4f(v0.z), acc0);
      acc0 = fma(w3, vec4f(v0.w), acc0);
      acc1 = fma(w0, vec4f(v1.x), acc1);
      acc1 = fma(w1, vec4f(v1.y), acc1);
      acc1 = fma(w2, vec4f(v1.z), acc1);
      acc1 = fma(w3, vec4f(v1.w), acc1);
      acc2 = fma(w0, vec4f(v2.x), acc2);
      acc2 = fma(w1, vec4f(v2.y), acc2);
      acc2 = fma(w2, vec4f(v2.z), acc2);
      acc2 = fma(w3, vec4f(v2.w), acc2);
      acc3 = fma(w0, vec4f(v3.x), acc3);
      acc3 = fma(w1, vec4f(v3.y), acc3);
      acc3 = fma(w2, vec4f(v3.z), acc3);
      acc3 = fma(w3, vec4f(v3.w), acc3);
      acc4 = fma(w0, vec4f(v4.x), acc4);
      acc4 = fma(w1, vec4f(v4.y), acc4);
      acc4 = fma(w2, vec4f(v4.z), acc4);
      acc4 = fma(w3, vec4f(v4.w), acc4);
      acc5 = fma(w0, vec4f(v5.x), acc5);
      acc5 = fma(w1, vec4f(v5.y), acc5);
      acc5 = fma(w2, vec4f(v5.z), acc5);
      acc5 = fma(w3, vec4f(v5.w), acc5);
      acc6 = fma(w0, vec4f(v6.x), acc6);
      acc6 = fma(w1, vec4f(v6.y), acc6);
      acc6 = fma(w2, vec4f(v6.z), acc6);
      acc6 = fma(w3, vec4f(v6.w), acc6);
      acc7 = fma(w0, vec4f(v7.x), acc7);
      acc7 = fma(w1, vec4f(v7.y), acc7);
      acc7 = fma(w2, vec4f(v7.z), acc7);
      acc7 = fma(w3, vec4f(v7.w), acc7);
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
