// max_pool_backward
// bindings: uniform, read, read, read_write

struct Shape {
  batch: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  groups: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> chosen: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  let inputs = shape.height * shape.width;
  if (e >= shape.batch * inputs * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  let place = e / shape.groups % inputs;
  let sample = e / shape.groups / inputs * shape.out_height * shape.out_width;
  let row = place / shape.width;
  let column = place % shape.width;
  var sum = vec4f();
  // Windows 2w − 1 … 2w + 1 around a row (or column): the one at half of it, and for odd ones the next.
  for (var r = row / 2u; r < min((row + 1u) / 2u + 1u, shape.out_height); r++) {
    for (var c = column / 2u; c < min((column + 1u) / 2u + 1u, shape.out_width); c++) {
      let own = (row + 1u - r * 2u) * 3u + column + 1u - c * 2u;
      let at = (sample + r * shape.out_width + c) * shape.groups + group;
      sum += select(vec4f(), dy[at], chosen[at] == vec4u(own));
    }
  }
  dx[e] = sum;
}
