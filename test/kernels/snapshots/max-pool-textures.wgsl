// max_pool, x y in texture
// bindings: uniform, texture, texture_write

struct Shape {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var x: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(2) var y: texture_storage_2d<rgba32uint, write>;

fn load_x(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(x, vec2u(index % 8192u, index / 8192u)));
}

fn store_y(index: u32, value: vec4f) {
  textureStore(y, vec2u(index % 8192u, index / 8192u), bitcast<vec4u>(value));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixels = shape.out_height * shape.out_width;
  if (id.x >= pixels) {
    return;
  }
  let row = id.x / shape.out_width * 2u;
  let column = id.x % shape.out_width * 2u;
  let plane = id.y * shape.in_height * shape.in_width;
  // A row before the first one is the first one again, and so at the end: a maximum does not mind.
  var largest = vec4f();
  for (var i = 0u; i < 3u; i++) {
    let begin = plane + min(max(row + i, 1u) - 1u, shape.in_height - 1u) * shape.in_width;
    for (var j = 0u; j < 3u; j++) {
      let value = load_x(begin + min(max(column + j, 1u) - 1u, shape.in_width - 1u));
      // NaN stays: a maximum that passed over it would turn broken weights into plausible features. Told by its bits, because a
      // compiler may assume that no comparison sees one.
      let is_nan = (bitcast<vec4u>(largest) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
      largest = select(value, largest, (value <= largest) | is_nan);
    }
  }
  store_y(id.y * pixels + id.x, largest);
}
