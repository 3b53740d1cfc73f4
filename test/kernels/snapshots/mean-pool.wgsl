// mean_pool
// bindings: uniform, read, read_write

struct Shape {
  channels: u32,
  positions: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const INVOCATIONS: u32 = 64u;
var<workgroup> scratch: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first = (sample * ((shape.channels + 3u) / 4u) + workgroup.x) * shape.positions;
  var sum = vec4f();
  for (var p = local; p < shape.positions; p += INVOCATIONS) {
    sum += x[first + p];
  }
  scratch[local] = sum;
  workgroupBarrier();
  let channel = workgroup.x * 4u + local;
  if (local < 4u && channel < shape.channels) {
    var total = 0.0f;
    for (var other = 0u; other < INVOCATIONS; other++) {
      total += scratch[other][local];
    }
    y[sample * shape.channels + channel] = total / f32(shape.positions);
  }
}
