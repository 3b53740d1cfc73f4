// batch_norm_sums, residual, relu
// bindings: uniform, uniform, read, read, read, read, read_write, read_write

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
@group(0) @binding(3) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read> y: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dz: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec4f>;

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

  let mean = statistics[group];
  let r = statistics[shape.groups + group];
  var sum_zx = vec4f();
  var sum_z = vec4f();
  for (var place = start; place < end; place++) {
    let at = first + place * shape.groups;
    let gradient = select(vec4f(), dy[at], vec4<bool>(counts) & (y[at] > vec4f()));
    
    dz[at] = gradient;
    
    sum_z += gradient;
    // A picture that does not count may hold anything.
    sum_zx += select(vec4f(), gradient * (x[at] - mean) * r, vec4<bool>(counts));
  }
  sums[to] = sum_zx;
  sums[to + shape.groups] = sum_z;
}
