// max_pool_forward
// bindings: uniform, read, read_write, read_write

struct Shape {
  batch: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  groups: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> chosen: array<vec4u>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  let outputs = shape.out_height * shape.out_width;
  if (e >= shape.batch * outputs * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  let place = e / shape.groups % outputs;
  let sample = e / shape.groups / outputs * shape.height * shape.width;
  let row = i32(place / shape.out_width * 2u) - 1;
  let column = i32(place % shape.out_width * 2u) - 1;
  var largest = vec4f(-3.402823e38f);
  // The element in the middle is always inside.
  var found = vec4u(4u);
  for (var i = 0; i < 3; i++) {
    for (var j = 0; j < 3; j++) {
      if (u32(row + i) < shape.height && u32(column + j) < shape.width) {
        let value = x[(sample + u32(row + i) * shape.width + u32(column + j)) * shape.groups + group];
        // NaN stays, as in max-pool.wgsl.ts, and a later equal value does not win.
        let is_nan = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
        let was_nan = (bitcast<vec4u>(largest) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
        let wins = ((value > largest) | is_nan) & !was_nan;
        largest = select(largest, value, wins);
        found = select(found, vec4u(u32(i * 3 + j)), wins);
      }
    }
  }
  y[e] = largest;
  chosen[e] = found;
}
