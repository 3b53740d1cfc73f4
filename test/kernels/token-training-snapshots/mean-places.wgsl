// mean_places 1
// bindings: uniform, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const MEMBERS: u32 = 1u;
fn reduce_sum(value: f32, local: u32) -> f32 {
  return value;
}

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x) * 8u + local;
  let member = 0u;
  if (owner >= shape.batch * shape.groups) {
    return;
  }
  let first = owner / shape.groups * shape.places;
  var sum = vec4f();
  for (var p = member; p < shape.places; p += MEMBERS) {
    sum += x[(first + p) * shape.groups + owner % shape.groups];
  }
  sum = vec4f(reduce_sum(sum.x, local), reduce_sum(sum.y, local), reduce_sum(sum.z, local), reduce_sum(sum.w, local));
  if (member == 0u) {
    y[owner] = sum / f32(shape.places);
  }
}
