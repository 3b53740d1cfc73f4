// winograd_output 2x2, bias, residual, relu, x residual y in texture
// bindings: uniform, texture, read, texture, texture_write

struct Shape {
  planes: u32,
  height: u32,
  width: u32,
  tile_rows: u32,
  tile_columns: u32,
  frames: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var x: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var residual: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(4) var y: texture_storage_2d<rgba32uint, write>;

fn load_x(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(x, vec2u(index % 8192u, index / 8192u)));
}

fn load_residual(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(residual, vec2u(index % 8192u, index / 8192u)));
}

fn store_y(index: u32, value: vec4f) {
  textureStore(y, vec2u(index % 8192u, index / 8192u), bitcast<vec4u>(value));
}

fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * 16u + position) * shape.frames + sample % shape.frames;
  return (map * shape.planes + plane) * shape.tile_rows * shape.tile_columns + tile;
}

fn finish(at: u32, products: vec4f, channels: u32) {
  var value = products;
  
  value += bias[channels];
  
  
  value += load_residual(at);
  
  store_y(at, select(value, vec4f(), value < vec4f()));
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tiles = shape.tile_rows * shape.tile_columns;
  if (id.x >= tiles * shape.planes) {
    return;
  }
  let tile = id.x % tiles;
  let plane = id.x / tiles;
  // Aᵀ M, column by column of M.
  var r0: array<vec4f, 4>;
  var r1: array<vec4f, 4>;
  for (var j = 0u; j < 4u; j++) {
    let m0 = load_x(place(id.z, 0u + j, plane, tile));
    let m1 = load_x(place(id.z, 4u + j, plane, tile));
    let m2 = load_x(place(id.z, 8u + j, plane, tile));
    let m3 = load_x(place(id.z, 12u + j, plane, tile));
    r0[j] = m0 + m1 + m2;
    r1[j] = m1 - m2 - m3;
  }
  let row = tile / shape.tile_columns * 2u;
  let column = tile % shape.tile_columns * 2u;
  let at = ((id.z * shape.planes + plane) * shape.height + row) * shape.width + column;
  let channels = id.z / shape.frames * shape.planes + plane;
  if (row + 0u < shape.height) {
    finish(at + 0u * shape.width, r0[0] + r0[1] + r0[2], channels);
    if (column + 1u < shape.width) {
      finish(at + 0u * shape.width + 1u, r0[1] - r0[2] - r0[3], channels);
    }
  }
  if (row + 1u < shape.height) {
    finish(at + 1u * shape.width, r1[0] + r1[1] + r1[2], channels);
    if (column + 1u < shape.width) {
      finish(at + 1u * shape.width + 1u, r1[1] - r1[2] - r1[3], channels);
    }
  }
}
