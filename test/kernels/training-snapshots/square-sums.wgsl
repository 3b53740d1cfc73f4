// square_sums
// bindings: uniform, read, read_write

struct Shape {
  vectors: u32,
  first_sum: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let start = workgroup.x * 32768u + local;
  let end = min((workgroup.x + 1u) * 32768u, shape.vectors);
  var sum = vec4f();
  for (var i = start; i < end; i += 64u) {
    let g = gradient[i];
    sum += g * g;
  }
  sums[shape.first_sum + workgroup.x * 64u + local] = (sum.x + sum.y) + (sum.z + sum.w);
}
