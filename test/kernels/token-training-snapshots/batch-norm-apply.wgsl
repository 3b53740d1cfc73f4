// batch_norm_apply, residual, relu
// bindings: uniform, read, read, read, read, read_write

struct Shape {
  batch: u32,
  places: u32,
  groups: u32,
  slices: u32,
  slice: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
@group(0) @binding(3) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.batch * shape.places * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  var value = (x[e] - statistics[group]) * statistics[shape.groups + group] * affine[group] + affine[shape.groups + group];
  
  value += residual[e];
  
  
  // Not max: NaN must stay.
  value = select(value, vec4f(), value < vec4f());
  
  y[e] = value;
}
