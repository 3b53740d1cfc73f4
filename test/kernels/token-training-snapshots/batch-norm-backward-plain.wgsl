// batch_norm_backward
// bindings: uniform, uniform, read, read, read, read, read, read_write

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
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> affine: array<vec4f>;
@group(0) @binding(4) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(5) var<storage, read> totals: array<vec4f>;
@group(0) @binding(6) var<storage, read> dy: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.batch * shape.places * shape.groups) {
    return;
  }
  if (e / shape.groups / shape.places % mode.windows >= mode.counted) {
    dx[e] = vec4f();
    return;
  }
  let group = e % shape.groups;
  let r = statistics[shape.groups + group];
  var value = dy[e];
  if (mode.learns == 1u) {
    let values = f32(shape.batch / mode.windows * mode.counted * shape.places);
    value -= (totals[shape.groups + group] + (x[e] - statistics[group]) * r * totals[group]) / values;
  }
  dx[e] = r * affine[group] * value;
}
