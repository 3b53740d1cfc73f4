// mean_places 64
// bindings: uniform, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

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



@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u) {
  let owner = (workgroup.y * count.x + workgroup.x);
  let member = local;
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
