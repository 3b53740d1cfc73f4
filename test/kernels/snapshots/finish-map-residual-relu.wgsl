// finish_map, residual, relu
// bindings: uniform, read, read, read, read, read_write

struct Shape {
  planes: u32,
  group_planes: u32,
  pixels: u32,
  partials: u32,
  partial_stride: u32,
  frames: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(3) var<storage, read> beta: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

const INVOCATIONS: u32 = 64u;


fn sum_partials(e: u32) -> vec4f {
  var value = x[e];
  for (var i = 1u; i < shape.partials; i++) {
    value += x[i * shape.partial_stride + e];
  }
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first_plane = workgroup.x * shape.group_planes;
  let first = (sample * shape.planes + first_plane) * shape.pixels;
  let parameters = sample / shape.frames * shape.planes + first_plane;
  let elements = shape.group_planes * shape.pixels;
  
  for (var e = local; e < elements; e += INVOCATIONS) {
    let channels = parameters + e / shape.pixels;
    
    var value = sum_partials(first + e) * gamma[channels] + beta[channels];
    
    
    value += residual[first + e];
    
    y[first + e] = select(value, vec4f(), value < vec4f());
  }
}
