// winograd_input 2x2, x in texture
// bindings: uniform, texture, read_write

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
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn load_x(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(x, vec2u(index % 8192u, index / 8192u)));
}

fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * 16u + position) * shape.frames + sample % shape.frames;
  return (map * shape.planes + plane) * shape.tile_rows * shape.tile_columns + tile;
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tiles = shape.tile_rows * shape.tile_columns;
  if (id.x >= tiles * shape.planes) {
    return;
  }
  let tile = id.x % tiles;
  let plane = id.x / tiles;
  let first_row = i32(tile / shape.tile_columns * 2u) - 1;
  let first_column = i32(tile % shape.tile_columns * 2u) - 1;
  let first = (id.z * shape.planes + plane) * shape.height * shape.width;
  // Bᵀ d, row by row of d.
  var r0: array<vec4f, 4>;
  var r1: array<vec4f, 4>;
  var r2: array<vec4f, 4>;
  var r3: array<vec4f, 4>;
  for (var j = 0u; j < 4u; j++) {
    let column = first_column + i32(j);
    let inside = u32(column) < shape.width;
    let at = first + select(0u, u32(column), inside);
    let d0 = select(vec4f(), load_x(at + u32(max(first_row, 0)) * shape.width), inside && first_row >= 0);
    let d1 = select(vec4f(), load_x(at + u32(first_row + 1) * shape.width), inside);
    let d2 = select(vec4f(), load_x(at + min(u32(first_row + 2), shape.height - 1u) * shape.width), inside && u32(first_row + 2) < shape.height);
    let d3 = select(vec4f(), load_x(at + min(u32(first_row + 3), shape.height - 1u) * shape.width), inside && u32(first_row + 3) < shape.height);
    r0[j] = d0 - d2;
    r1[j] = d1 + d2;
    r2[j] = d2 - d1;
    r3[j] = d1 - d3;
  }
  {
    y[place(id.z, 0u, plane, tile)] = r0[0] - r0[2];
    y[place(id.z, 1u, plane, tile)] = r0[1] + r0[2];
    y[place(id.z, 2u, plane, tile)] = r0[2] - r0[1];
    y[place(id.z, 3u, plane, tile)] = r0[1] - r0[3];
  }
  {
    y[place(id.z, 4u, plane, tile)] = r1[0] - r1[2];
    y[place(id.z, 5u, plane, tile)] = r1[1] + r1[2];
    y[place(id.z, 6u, plane, tile)] = r1[2] - r1[1];
    y[place(id.z, 7u, plane, tile)] = r1[1] - r1[3];
  }
  {
    y[place(id.z, 8u, plane, tile)] = r2[0] - r2[2];
    y[place(id.z, 9u, plane, tile)] = r2[1] + r2[2];
    y[place(id.z, 10u, plane, tile)] = r2[2] - r2[1];
    y[place(id.z, 11u, plane, tile)] = r2[1] - r2[3];
  }
  {
    y[place(id.z, 12u, plane, tile)] = r3[0] - r3[2];
    y[place(id.z, 13u, plane, tile)] = r3[1] + r3[2];
    y[place(id.z, 14u, plane, tile)] = r3[2] - r3[1];
    y[place(id.z, 15u, plane, tile)] = r3[1] - r3[3];
  }
}
