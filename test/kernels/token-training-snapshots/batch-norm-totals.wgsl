// batch_norm_totals 1
// bindings: uniform, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
  slices: u32,
  slice: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> totals: array<vec4f>;

const MEMBERS: u32 = 1u;
fn reduce_sum(value: f32, local: u32) -> f32 {
  return value;
}
fn reduced(v: vec4f, local: u32) -> vec4f {
  return vec4f(reduce_sum(v.x, local), reduce_sum(v.y, local), reduce_sum(v.z, local), reduce_sum(v.w, local));
}

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x) * 8u + local;
  let member = 0u;
  if (owner >= shape.groups) {
    return;
  }
  var scale = vec4f();
  var shift = vec4f();
  for (var slice = member; slice < shape.batch * shape.slices; slice += MEMBERS) {
    let at = slice * 2u * shape.groups + owner;
    scale += sums[at];
    shift += sums[at + shape.groups];
  }
  let total_scale = reduced(scale, local);
  let total_shift = reduced(shift, local);
  if (member == 0u) {
    totals[owner] = total_scale;
    totals[shape.groups + owner] = total_shift;
  }
}
