// group_norm_map, in parts, residual, relu
// bindings: uniform, read, read, read, read, read, read_write

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
@group(0) @binding(2) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(3) var<storage, read> beta: array<vec4f>;
@group(0) @binding(4) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

const INVOCATIONS: u32 = 256u;

const EPSILON: f32 = 0.000009999999747378752f;
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
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first_plane = workgroup.x * shape.group_planes;
  let first = (sample * shape.planes + first_plane) * shape.pixels;
  let parameters = sample / shape.frames * shape.planes + first_plane;
  let elements = shape.group_planes * shape.pixels;
  
  let first_part = (sample * shape.planes + first_plane) / shape.group_planes * shape.parts;
  let count = f32(elements * 4u);
  // A part of a whole group for each invocation: there are no more of them than invocations.
  var part = vec2f();
  var part_count = 0.0f;
  if (local < shape.parts) {
    part = statistics[first_part + local];
    part_count = f32((min((local + 1u) * shape.part_elements, elements) - local * shape.part_elements) * 4u);
  }
  let mean = sum_over_workgroup(part_count * part.x, local) / count;
  let d = part.x - mean;
  let deviation = sqrt(sum_over_workgroup(part.y + part_count * d * d, local) / count + EPSILON);
  let begin = workgroup.y * shape.part_elements;
  let end = min(begin + shape.part_elements, elements);
  
  for (var e = begin + local; e < end; e += INVOCATIONS) {
    let channels = parameters + e / shape.pixels;
    
    var value = (sum_partials(first + e) - mean) / deviation * gamma[channels] + beta[channels];
    
    
    value += residual[first + e];
    
    y[first + e] = select(value, vec4f(), value < vec4f());
  }
}
