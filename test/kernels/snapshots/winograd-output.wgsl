// winograd_output, bias, residual, relu
// bindings: uniform, read, read, read, read_write

struct Shape {
  planes: u32,
  height: u32,
  width: u32,
  tile_rows: u32,
  tile_columns: u32,
  frames: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * 16u + position) * shape.frames + sample % shape.frames;
  return (map * shape.planes + plane) * shape.tile_rows * shape.tile_columns + tile;
}

fn finish(at: u32, products: vec4f, channels: u32) {
  var value = products;
  
  value += bias[channels];
  
  
  value += residual[at];
  
  y[at] = select(value, vec4f(), value < vec4f());
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.tile_rows * shape.tile_columns) {
    return;
  }
  // Aᵀ m, column by column of m.
  var upper: array<vec4f, 4>;
  var lower: array<vec4f, 4>;
  for (var j = 0u; j < 4u; j++) {
    let m0 = x[place(id.z, j, id.y, id.x)];
    let m1 = x[place(id.z, 4u + j, id.y, id.x)];
    let m2 = x[place(id.z, 8u + j, id.y, id.x)];
    let m3 = x[place(id.z, 12u + j, id.y, id.x)];
    upper[j] = m0 + m1 + m2;
    lower[j] = m1 - m2 - m3;
  }
  let row = id.x / shape.tile_columns * 2u;
  let column = id.x % shape.tile_columns * 2u;
  let at = ((id.z * shape.planes + id.y) * shape.height + row) * shape.width + column;
  let channels = id.z / shape.frames * shape.planes + id.y;
  let is_right = column + 1u < shape.width;
  finish(at, upper[0] + upper[1] + upper[2], channels);
  if (is_right) {
    finish(at + 1u, upper[1] - upper[2] - upper[3], channels);
  }
  if (row + 1u < shape.height) {
    finish(at + shape.width, lower[0] + lower[1] + lower[2], channels);
    if (is_right) {
      finish(at + shape.width + 1u, lower[1] - lower[2] - lower[3], channels);
    }
  }
}
