// mean_places gradient
// bindings: uniform, read, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.batch * shape.places * shape.groups) {
    return;
  }
  let sample = e / (shape.places * shape.groups);
  let slope = dy[sample * shape.groups + e % shape.groups] / f32(shape.places);
  dx[e] = select(vec4f(), slope, x[e] > vec4f());
}
