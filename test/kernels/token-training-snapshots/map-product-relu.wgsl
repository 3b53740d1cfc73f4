// map_product forwards bias relu applied 8
// bindings: uniform, read, read, read, read_write

struct Shape {
  batch: u32,
  places_height: u32,
  places_width: u32,
  source_height: u32,
  source_width: u32,
  source_step: u32,
  target_height: u32,
  target_width: u32,
  target_step: u32,
  kernel: u32,
  padding: u32,
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

fn finish(n: u32, lane: u32, phase_y: u32, phase_x: u32, sum: vec4f) {
  let places = shape.places_height * shape.places_width;
  let r = n % places / shape.places_width * shape.target_step + phase_y;
  let c = n % places % shape.places_width * shape.target_step + phase_x;
  if (lane >= shape.target_groups || r >= shape.target_height || c >= shape.target_width) {
    return;
  }
  let row = (n / places * shape.target_height + r) * shape.target_width + c;
  var value = sum;
  
  value += bias[shape.bias_offset + lane];
  
  
  value = select(value, vec4f(), value < vec4f());
  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,

) {
  let phase_y = workgroup.z / shape.target_step;
  let phase_x = workgroup.z % shape.target_step;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let group = min(lane, shape.target_groups - 1u);
  let places = shape.places_height * shape.places_width;
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * places;
  let n0 = min(first + 0u, end - 1u);
  let sample0 = n0 / places * shape.source_height * shape.source_width;
  let row0 = i32(n0 % places / shape.places_width * shape.source_step);
  let column0 = i32(n0 % places % shape.places_width * shape.source_step);
  let n1 = min(first + 1u, end - 1u);
  let sample1 = n1 / places * shape.source_height * shape.source_width;
  let row1 = i32(n1 % places / shape.places_width * shape.source_step);
  let column1 = i32(n1 % places % shape.places_width * shape.source_step);
  let n2 = min(first + 2u, end - 1u);
  let sample2 = n2 / places * shape.source_height * shape.source_width;
  let row2 = i32(n2 % places / shape.places_width * shape.source_step);
  let column2 = i32(n2 % places % shape.places_width * shape.source_step);
  let n3 = min(first + 3u, end - 1u);
  let sample3 = n3 / places * shape.source_height * shape.source_width;
  let row3 = i32(n3 % places / shape.places_width * shape.source_step);
  let column3 = i32(n3 % places % shape.places_width * shape.source_step);
  let n4 = min(first + 4u, end - 1u);
  let sample4 = n4 / places * shape.source_height * shape.source_width;
  let row4 = i32(n4 % places / shape.places_width * shape.source_step);
  let column4 = i32(n4 % places % shape.places_width * shape.source_step);
  let n5 = min(first + 5u, end - 1u);
  let sample5 = n5 / places * shape.source_height * shape.source_width;
  let row5 = i32(n5 % places / shape.places_width * shape.source_step);
  let column5 = i32(n5 % places % shape.places_width * shape.source_step);
  let n6 = min(first + 6u, end - 1u);
  let sample6 = n6 / places * shape.source_height * shape.source_width;
  let row6 = i32(n6 % places / shape.places_width * shape.source_step);
  let column6 = i32(n6 % places % shape.places_width * shape.source_step);
  let n7 = min(first + 7u, end - 1u);
  let sample7 = n7 / places * shape.source_height * shape.source_width;
  let row7 = i32(n7 % places / shape.places_width * shape.source_step);
  let column7 = i32(n7 % places % shape.places_width * shape.source_step);
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();
  var acc4 = vec4f();
  var acc5 = vec4f();
  var acc6 = vec4f();
  var acc7 = vec4f();

  for (var tap_y = 0u; tap_y < shape.kernel; tap_y += 1u) {
    let offset_y = i32(tap_y) - i32(shape.padding);
    for (var tap_x = 0u; tap_x < shape.kernel; tap_x += 1u) {
      let offset_x = i32(tap_x) - i32(shape.padding);
      let base = (tap_y * shape.kernel + tap_x) * shape.weight_tap + group;
      let r0 = row0 + offset_y;
      let c0 = column0 + offset_x;
      let inside0 = select(0.0f, 1.0f, u32(r0) < shape.source_height && u32(c0) < shape.source_width);
      let q0 = select(0u, u32(r0) * shape.source_width + u32(c0), inside0 > 0.0f);
      let from0 = shape.x_offset + (sample0 + q0) * shape.x_row;
      let r1 = row1 + offset_y;
      let c1 = column1 + offset_x;
      let inside1 = select(0.0f, 1.0f, u32(r1) < shape.source_height && u32(c1) < shape.source_width);
      let q1 = select(0u, u32(r1) * shape.source_width + u32(c1), inside1 > 0.0f);
      let from1 = shape.x_offset + (sample1 + q1) * shape.x_row;
      let r2 = row2 + offset_y;
      let c2 = column2 + offset_x;
      let inside2 = select(0.0f, 1.0f, u32(r2) < shape.source_height && u32(c2) < shape.source_width);
      let q2 = select(0u, u32(r2) * shape.source_width + u32(c2), inside2 > 0.0f);
      let from2 = shape.x_offset + (sample2 + q2) * shape.x_row;
      let r3 = row3 + offset_y;
      let c3 = column3 + offset_x;
      let inside3 = select(0.0f, 1.0f, u32(r3) < shape.source_height && u32(c3) < shape.source_width);
      let q3 = select(0u, u32(r3) * shape.source_width + u32(c3), inside3 > 0.0f);
      let from3 = shape.x_offset + (sample3 + q3) * shape.x_row;
      let r4 = row4 + offset_y;
      let c4 = column4 + offset_x;
      let inside4 = select(0.0f, 1.0f, u32(r4) < shape.source_height && u32(c4) < shape.source_width);
      let q4 = select(0u, u32(r4) * shape.source_width + u32(c4), inside4 > 0.0f);
      let from4 = shape.x_offset + (sample4 + q4) * shape.x_row;
      let r5 = row5 + offset_y;
      let c5 = column5 + offset_x;
      let inside5 = select(0.0f, 1.0f, u32(r5) < shape.source_height && u32(c5) < shape.source_width);
      let q5 = select(0u, u32(r5) * shape.source_width + u32(c5), inside5 > 0.0f);
      let from5 = shape.x_offset + (sample5 + q5) * shape.x_row;
      let r6 = row6 + offset_y;
      let c6 = column6 + offset_x;
      let inside6 = select(0.0f, 1.0f, u32(r6) < shape.source_height && u32(c6) < shape.source_width);
      let q6 = select(0u, u32(r6) * shape.source_width + u32(c6), inside6 > 0.0f);
      let from6 = shape.x_offset + (sample6 + q6) * shape.x_row;
      let r7 = row7 + offset_y;
      let c7 = column7 + offset_x;
      let inside7 = select(0.0f, 1.0f, u32(r7) < shape.source_height && u32(c7) < shape.source_width);
      let q7 = select(0u, u32(r7) * shape.source_width + u32(c7), inside7 > 0.0f);
      let from7 = shape.x_offset + (sample7 + q7) * shape.x_row;
      for (var k = 0u; k < shape.source_groups; k++) {
        let w0 = weight[base + (k * 4u + 0u) * shape.weight_row];
        let w1 = weight[base + (k * 4u + 1u) * shape.weight_row];
        let w2 = weight[base + (k * 4u + 2u) * shape.weight_row];
        let w3 = weight[base + (k * 4u + 3u) * shape.weight_row];
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
  }

  // One store in a loop, and the sums move on: text for every place takes a software driver long to compile.
  let count = min(COLUMNS, end - first);
  for (var c = 0u; c < count; c++) {
    finish(first + c, lane, phase_y, phase_x, acc0);
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
