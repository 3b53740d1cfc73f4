// map_weight_gradient 1 sliced
// bindings: uniform, read, read, read_write

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
  slice_rows: u32,
  slice_weights: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4f>;

const GROUPS: u32 = 1u;
const LANES: u32 = 8u;
const BLOCK: u32 = 512u;

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,

) {
  let slices = (shape.rows + shape.slice_rows - 1u) / shape.slice_rows;
  let tap = workgroup.z / slices;
  let slice = workgroup.z % slices;
  let first_row = slice * shape.slice_rows;
  let end_row = min(first_row + shape.slice_rows, shape.rows);
  let tap_y = tap / shape.kernel;
  let tap_x = tap % shape.kernel;
  let lane = workgroup.x * LANES + local;
  let lane_read = min(lane, shape.out_groups - 1u);
  let first_group = workgroup.y * GROUPS;
  let places = shape.height * shape.width;
  let turn0 = (0u) / GROUPS;
  let group0 = min(first_group + (0u) % GROUPS, shape.in_groups - 1u);

  for (var start = first_row; start < end_row; start += BLOCK) {
    let end = min(start + BLOCK, end_row);
    var acc0 = vec4f();
    var acc1 = vec4f();
    var acc2 = vec4f();
    var acc3 = vec4f();
    for (var n = start; n < end; n += 1u) {
      let m0 = min(n + turn0, end - 1u);
      let r0 = i32(m0 % places / shape.width * shape.stride + tap_y) - i32(shape.padding);
      let c0 = i32(m0 % shape.width * shape.stride + tap_x) - i32(shape.padding);
      let inside0 = select(0.0f, 1.0f,
        u32(r0) < shape.source_height && u32(c0) < shape.source_width && n + turn0 < end);
      let q0 = (m0 / places * shape.source_height + u32(r0)) * shape.source_width + u32(c0);
      let v0 = x[shape.x_offset + select(0u, q0, inside0 > 0.0f) * shape.x_row + group0] * inside0;
      let a0 = dy[shape.dy_offset + min(n + 0u, end - 1u) * shape.dy_row + lane_read];
      acc0 = fma(a0, vec4f(v0.x), acc0);
      acc1 = fma(a0, vec4f(v0.y), acc1);
      acc2 = fma(a0, vec4f(v0.z), acc2);
      acc3 = fma(a0, vec4f(v0.w), acc3);
    }

    let keep = select(1.0f, 0.0f, start == first_row);
    // The sums move on: one store in a loop.
    let count = min(4u, (shape.in_groups - first_group) * 4u);
    for (var c = 0u; c < count; c++) {
      if (lane < shape.out_groups) {
        let at = slice * shape.slice_weights + tap * shape.weight_tap + (first_group * 4u + c) * shape.weight_row + lane;
        var sum = acc0;
        if (keep != 0.0f) {
          sum += dw[at];
        }
        dw[at] = sum;
      }
      acc0 = acc1;
      acc1 = acc2;
      acc2 = acc3;
      acc3 = vec4f();
    }
  }
}
