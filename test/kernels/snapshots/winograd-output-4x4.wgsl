// winograd_output 4x4, bias, residual, relu
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
  let map = (sample / shape.frames * 36u + position) * shape.frames + sample % shape.frames;
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
  let tiles = shape.tile_rows * shape.tile_columns;
  if (id.x >= tiles * shape.planes) {
    return;
  }
  let tile = id.x % tiles;
  let plane = id.x / tiles;
  // Aᵀ M, column by column of M.
  var r0: array<vec4f, 6>;
  var r1: array<vec4f, 6>;
  var r2: array<vec4f, 6>;
  var r3: array<vec4f, 6>;
  for (var j = 0u; j < 6u; j++) {
    let m0 = x[place(id.z, 0u + j, plane, tile)];
    let m1 = x[place(id.z, 6u + j, plane, tile)];
    let m2 = x[place(id.z, 12u + j, plane, tile)];
    let m3 = x[place(id.z, 18u + j, plane, tile)];
    let m4 = x[place(id.z, 24u + j, plane, tile)];
    let m5 = x[place(id.z, 30u + j, plane, tile)];
    let sum_a = m1 + m2;
    let difference_a = m1 - m2;
    let sum_b = m3 + m4;
    let difference_b = m3 - m4;
    r0[j] = m0 + sum_a + sum_b;
    r1[j] = 0.75f * difference_a + 1.25f * difference_b;
    r2[j] = 0.5625f * sum_a + 1.5625f * sum_b;
    r3[j] = 0.421875f * difference_a + 1.953125f * difference_b + m5;
  }
  let row = tile / shape.tile_columns * 4u;
  let column = tile % shape.tile_columns * 4u;
  let at = ((id.z * shape.planes + plane) * shape.height + row) * shape.width + column;
  let channels = id.z / shape.frames * shape.planes + plane;
  if (row + 0u < shape.height) {
    let sum_a = r0[1] + r0[2];
    let difference_a = r0[1] - r0[2];
    let sum_b = r0[3] + r0[4];
    let difference_b = r0[3] - r0[4];
    finish(at + 0u * shape.width, r0[0] + sum_a + sum_b, channels);
    if (column + 1u < shape.width) {
      finish(at + 0u * shape.width + 1u, 0.75f * difference_a + 1.25f * difference_b, channels);
    }
    if (column + 2u < shape.width) {
      finish(at + 0u * shape.width + 2u, 0.5625f * sum_a + 1.5625f * sum_b, channels);
    }
    if (column + 3u < shape.width) {
      finish(at + 0u * shape.width + 3u, 0.421875f * difference_a + 1.953125f * difference_b + r0[5], channels);
    }
  }
  if (row + 1u < shape.height) {
    let sum_a = r1[1] + r1[2];
    let difference_a = r1[1] - r1[2];
    let sum_b = r1[3] + r1[4];
    let difference_b = r1[3] - r1[4];
    finish(at + 1u * shape.width, r1[0] + sum_a + sum_b, channels);
    if (column + 1u < shape.width) {
      finish(at + 1u * shape.width + 1u, 0.75f * difference_a + 1.25f * difference_b, channels);
    }
    if (column + 2u < shape.width) {
      finish(at + 1u * shape.width + 2u, 0.5625f * sum_a + 1.5625f * sum_b, channels);
    }
    if (column + 3u < shape.width) {
      finish(at + 1u * shape.width + 3u, 0.421875f * difference_a + 1.953125f * difference_b + r1[5], channels);
    }
  }
  if (row + 2u < shape.height) {
    let sum_a = r2[1] + r2[2];
    let difference_a = r2[1] - r2[2];
    let sum_b = r2[3] + r2[4];
    let difference_b = r2[3] - r2[4];
    finish(at + 2u * shape.width, r2[0] + sum_a + sum_b, channels);
    if (column + 1u < shape.width) {
      finish(at + 2u * shape.width + 1u, 0.75f * difference_a + 1.25f * difference_b, channels);
    }
    if (column + 2u < shape.width) {
      finish(at + 2u * shape.width + 2u, 0.5625f * sum_a + 1.5625f * sum_b, channels);
    }
    if (column + 3u < shape.width) {
      finish(at + 2u * shape.width + 3u, 0.421875f * difference_a + 1.953125f * difference_b + r2[5], channels);
    }
  }
  if (row + 3u < shape.height) {
    let sum_a = r3[1] + r3[2];
    let difference_a = r3[1] - r3[2];
    let sum_b = r3[3] + r3[4];
    let difference_b = r3[3] - r3[4];
    finish(at + 3u * shape.width, r3[0] + sum_a + sum_b, channels);
    if (column + 1u < shape.width) {
      finish(at + 3u * shape.width + 1u, 0.75f * difference_a + 1.25f * difference_b, channels);
    }
    if (column + 2u < shape.width) {
      finish(at + 3u * shape.width + 2u, 0.5625f * sum_a + 1.5625f * sum_b, channels);
    }
    if (column + 3u < shape.width) {
      finish(at + 3u * shape.width + 3u, 0.421875f * difference_a + 1.953125f * difference_b + r3[5], channels);
    }
  }
}
