// map_statistics
// bindings: uniform, read, read_write

struct Shape {
  planes: u32,
  group_planes: u32,
  pixels: u32,
  partials: u32,
  partial_stride: u32,
  frames: u32,
  parts: u32,
  part_elements: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;

const INVOCATIONS: u32 = 256u;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> scratch_rows: array<f32, 16>;

// In two levels, each in ascending order: invocations 0, 16, 32, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < 16u) {
    var row = scratch[local];
    for (var other = local + 16u; other < INVOCATIONS; other += 16u) {
      row += scratch[other];
    }
    scratch_rows[local] = row;
  }
  workgroupBarrier();
  var sum = scratch_rows[0];
  sum += scratch_rows[1];
  sum += scratch_rows[2];
  sum += scratch_rows[3];
  sum += scratch_rows[4];
  sum += scratch_rows[5];
  sum += scratch_rows[6];
  sum += scratch_rows[7];
  sum += scratch_rows[8];
  sum += scratch_rows[9];
  sum += scratch_rows[10];
  sum += scratch_rows[11];
  sum += scratch_rows[12];
  sum += scratch_rows[13];
  sum += scratch_rows[14];
  sum += scratch_rows[15];
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

fn sum_partials(e: u32) -> vec4f {
  var value = x[e];
  for (var i = 1u; i < shape.partials; i++) {
    value += x[i * shape.partial_stride + e];
  }
  return value;
}

@compute @workgroup_size(256)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  let elements = shape.group_planes * shape.pixels;
  let first = group * elements;
  let begin = workgroup.y * shape.part_elements;
  let end = min(begin + shape.part_elements, elements);
  let count = f32((end - begin) * 4u);
  var sum = 0.0f;
  for (var e = begin + local; e < end; e += INVOCATIONS) {
    sum += sum_of(sum_partials(first + e));
  }
  let mean = sum_over_workgroup(sum, local) / count;
  var squares = 0.0f;
  for (var e = begin + local; e < end; e += INVOCATIONS) {
    let d = sum_partials(first + e) - mean;
    squares += sum_of(d * d);
  }
  squares = sum_over_workgroup(squares, local);
  if (local == 0u) {
    statistics[group * shape.parts + workgroup.y] = vec2f(mean, squares);
  }
}
