// map_product forwards bias 8 subgroup 4
// bindings: uniform, read, read, read, read_write
enable subgroups;
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
  
  
  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let phase_y = workgroup.z / shape.target_step;
  let phase_x = workgroup.z % shape.target_step;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let group = min(lane, shape.target_groups - 1u);
  let places = shape.places_height * shape.places_width;
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * places;
  let n0 = min(first + 0u + member, end - 1u);
  let sample0 = n0 / places * shape.source_height * shape.source_width;
  let row0 = i32(n0 % places / shape.places_width * shape.source_step);
  let column0 = i32(n0 % places % shape.places_width * shape.source_step);
  let n1 = min(first + 4u + member, end - 1u);
  let sample1 = n1 / places * shape.source_height * shape.source_width;
  let row1 = i32(n1 % places / shape.places_width * shape.source_step);
  let column1 = i32(n1 % places % shape.places_width * shape.source_step);
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
