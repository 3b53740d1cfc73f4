// batch_norm_moments
// bindings: uniform, uniform, read, read_write

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
@group(0) @binding(3) var<storage, read_write> moments: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.batch * shape.slices * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  let slice = e / shape.groups;
  let picture = slice / shape.slices;
  let start = slice % shape.slices * shape.slice;
  let end = min(start + shape.slice, shape.places);
  let first = picture * shape.places * shape.groups + group;
  let to = slice * 2u * shape.groups + group;
  let counts = picture % mode.windows < mode.counted;
  if (!counts || mode.learns == 0u) {
    return;
  }
  // From the first value on: a mean of many deviations would round away what the sum is of.
  let near = x[first + start * shape.groups];
  var sum = vec4f();
  for (var place = start; place < end; place++) {
    sum += x[first + place * shape.groups] - near;
  }
  let mean = near + sum / f32(end - start);
  var squares = vec4f();
  for (var place = start; place < end; place++) {
    let d = x[first + place * shape.groups] - mean;
    squares += d * d;
  }
  moments[to] = mean;
  moments[to + shape.groups] = squares;
}
