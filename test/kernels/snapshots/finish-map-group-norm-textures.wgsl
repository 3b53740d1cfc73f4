// group_norm_map, residual, relu, x y in texture
// bindings: uniform, texture, read, read, read, texture_write

struct Shape {
  planes: u32,
  group_planes: u32,
  pixels: u32,
  partials: u32,
  partial_stride: u32,
  frames: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var x: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(2) var<storage, read> gamma: array<vec4f>;
@group(0) @binding(3) var<storage, read> beta: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var y: texture_storage_2d<rgba32uint, write>;

fn load_x(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(x, vec2u(index % 8192u, index / 8192u)));
}

fn store_y(index: u32, value: vec4f) {
  textureStore(y, vec2u(index % 8192u, index / 8192u), bitcast<vec4u>(value));
}

const INVOCATIONS: u32 = 8u;

const EPSILON: f32 = 0.000009999999747378752f;
var<workgroup> scratch: array<f32, 8>;
var<workgroup> scratch_rows: array<f32, 8>;

// In two levels, each in ascending order: invocations 0, 8, 16, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < 8u) {
    var row = scratch[local];
    for (var other = local + 8u; other < INVOCATIONS; other += 8u) {
      row += scratch[other];
    }
    scratch_rows[local] = row;
  }
  workgroupBarrier();
  var sum = scratch_rows[0];
  sum += scratch_rows[1];
  sum += scratch_rows[2];
  sum += scratch_rows[3];
  sum += scratch_rows[4];
  sum += scratch_rows[5];
  sum += scratch_rows[6];
  sum += scratch_rows[7];
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}


fn sum_partials(e: u32) -> vec4f {
  return load_x(e);
}

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first_plane = workgroup.x * shape.group_planes;
  let first = (sample * shape.planes + first_plane) * shape.pixels;
  let parameters = sample / shape.frames * shape.planes + first_plane;
  let elements = shape.group_planes * shape.pixels;
  
  var sum = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let value = sum_partials(first + e);
    sum += sum_of(value);
  }
  let count = f32(elements * 4u);
  let mean = sum_over_workgroup(sum, local) / count;
  var squares = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let d = sum_partials(first + e) - mean;
    squares += sum_of(d * d);
  }
  let deviation = sqrt(sum_over_workgroup(squares, local) / count + EPSILON);
  
  for (var e = local; e < elements; e += INVOCATIONS) {
    let channels = parameters + e / shape.pixels;
    
    var value = (sum_partials(first + e) - mean) / deviation * gamma[channels] + beta[channels];
    
    
    value += residual[first + e];
    
    store_y(first + e, select(value, vec4f(), value < vec4f()));
  }
}
