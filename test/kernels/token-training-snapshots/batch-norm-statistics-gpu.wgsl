// batch_norm_statistics 64
// bindings: uniform, uniform, read, read_write, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
  slices: u32,
  slice: u32,
}
struct Mode {
  windows: u32,
  counted: u32,
  learns: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> mode: Mode;
@group(0) @binding(2) var<storage, read> moments: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> running: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec4f>;

const MEMBERS: u32 = 64u;

var<workgroup> scratch: array<f32, 64>;

fn reduce_sum(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 64u; other++) {
    result = result + scratch[other];
  }
  return result;
}


fn reduced(v: vec4f, local: u32) -> vec4f {
  return vec4f(reduce_sum(v.x, local), reduce_sum(v.y, local), reduce_sum(v.z, local), reduce_sum(v.w, local));
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x);
  let member = local;
  if (owner >= shape.groups) {
    return;
  }
  let values = f32(shape.batch / mode.windows * mode.counted * shape.places);
  // Picture 0 always counts.
  let near = moments[owner];
  var sum = vec4f();
  for (var slice = member; slice < shape.batch * shape.slices; slice += MEMBERS) {
    if (slice / shape.slices % mode.windows >= mode.counted) {
      continue;
    }
    let at = slice * 2u * shape.groups + owner;
    let n = f32(min(shape.slice, shape.places - slice % shape.slices * shape.slice));
    sum += n * (moments[at] - near);
  }
  let mean = near + reduced(sum, local) / values;
  var squares = vec4f();
  for (var slice = member; slice < shape.batch * shape.slices; slice += MEMBERS) {
    if (slice / shape.slices % mode.windows >= mode.counted) {
      continue;
    }
    let at = slice * 2u * shape.groups + owner;
    let n = f32(min(shape.slice, shape.places - slice % shape.slices * shape.slice));
    let d = moments[at] - mean;
    squares += moments[at + shape.groups] + n * (d * d);
  }
  let all = reduced(squares, local);
  if (member != 0u) {
    return;
  }
  var center = running[owner];
  var variance = running[shape.groups + owner];
  if (mode.learns == 1u) {
    running[owner] = center + 0.10000000149011612f * (mean - center);
    running[shape.groups + owner] = variance + 0.10000000149011612f * (all / (values - 1.0f) - variance);
    center = mean;
    variance = all / values;
  }
  statistics[owner] = center;
  statistics[shape.groups + owner] = 1.0f / sqrt(variance + 0.000009999999747378752f);
}
