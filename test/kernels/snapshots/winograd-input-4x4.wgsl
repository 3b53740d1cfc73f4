// winograd_input 4x4
// bindings: uniform, read, read_write

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
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn place(sample: u32, position: u32, plane: u32, tile: u32) -> u32 {
  let map = (sample / shape.frames * 36u + position) * shape.frames + sample % shape.frames;
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
  let first_row = i32(tile / shape.tile_columns * 4u) - 1;
  let first_column = i32(tile % shape.tile_columns * 4u) - 1;
  let first = (id.z * shape.planes + plane) * shape.height * shape.width;
  // Bᵀ d, row by row of d.
  var r0: array<vec4f, 6>;
  var r1: array<vec4f, 6>;
  var r2: array<vec4f, 6>;
  var r3: array<vec4f, 6>;
  var r4: array<vec4f, 6>;
  var r5: array<vec4f, 6>;
  for (var j = 0u; j < 6u; j++) {
    let column = first_column + i32(j);
    let inside = u32(column) < shape.width;
    let at = first + select(0u, u32(column), inside);
    let d0 = select(vec4f(), x[at + u32(max(first_row, 0)) * shape.width], inside && first_row >= 0);
    let d1 = select(vec4f(), x[at + u32(first_row + 1) * shape.width], inside);
    let d2 = select(vec4f(), x[at + min(u32(first_row + 2), shape.height - 1u) * shape.width], inside && u32(first_row + 2) < shape.height);
    let d3 = select(vec4f(), x[at + min(u32(first_row + 3), shape.height - 1u) * shape.width], inside && u32(first_row + 3) < shape.height);
    let d4 = select(vec4f(), x[at + min(u32(first_row + 4), shape.height - 1u) * shape.width], inside && u32(first_row + 4) < shape.height);
    let d5 = select(vec4f(), x[at + min(u32(first_row + 5), shape.height - 1u) * shape.width], inside && u32(first_row + 5) < shape.height);
    let even_a = d4 - 1.5625f * d2;
    let odd_a = 0.75f * d3 - 1.171875f * d1;
    let even_b = d4 - 0.5625f * d2;
    let odd_b = 1.25f * d3 - 0.703125f * d1;
    r0[j] = 0.87890625f * d0 - 2.125f * d2 + d4;
    r1[j] = even_a + odd_a;
    r2[j] = even_a - odd_a;
    r3[j] = even_b + odd_b;
    r4[j] = even_b - odd_b;
    r5[j] = 0.87890625f * d1 - 2.125f * d3 + d5;
  }
  {
    let even_a = r0[4] - 1.5625f * r0[2];
    let odd_a = 0.75f * r0[3] - 1.171875f * r0[1];
    let even_b = r0[4] - 0.5625f * r0[2];
    let odd_b = 1.25f * r0[3] - 0.703125f * r0[1];
    y[place(id.z, 0u, plane, tile)] = 0.87890625f * r0[0] - 2.125f * r0[2] + r0[4];
    y[place(id.z, 1u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 2u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 3u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 4u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 5u, plane, tile)] = 0.87890625f * r0[1] - 2.125f * r0[3] + r0[5];
  }
  {
    let even_a = r1[4] - 1.5625f * r1[2];
    let odd_a = 0.75f * r1[3] - 1.171875f * r1[1];
    let even_b = r1[4] - 0.5625f * r1[2];
    let odd_b = 1.25f * r1[3] - 0.703125f * r1[1];
    y[place(id.z, 6u, plane, tile)] = 0.87890625f * r1[0] - 2.125f * r1[2] + r1[4];
    y[place(id.z, 7u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 8u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 9u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 10u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 11u, plane, tile)] = 0.87890625f * r1[1] - 2.125f * r1[3] + r1[5];
  }
  {
    let even_a = r2[4] - 1.5625f * r2[2];
    let odd_a = 0.75f * r2[3] - 1.171875f * r2[1];
    let even_b = r2[4] - 0.5625f * r2[2];
    let odd_b = 1.25f * r2[3] - 0.703125f * r2[1];
    y[place(id.z, 12u, plane, tile)] = 0.87890625f * r2[0] - 2.125f * r2[2] + r2[4];
    y[place(id.z, 13u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 14u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 15u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 16u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 17u, plane, tile)] = 0.87890625f * r2[1] - 2.125f * r2[3] + r2[5];
  }
  {
    let even_a = r3[4] - 1.5625f * r3[2];
    let odd_a = 0.75f * r3[3] - 1.171875f * r3[1];
    let even_b = r3[4] - 0.5625f * r3[2];
    let odd_b = 1.25f * r3[3] - 0.703125f * r3[1];
    y[place(id.z, 18u, plane, tile)] = 0.87890625f * r3[0] - 2.125f * r3[2] + r3[4];
    y[place(id.z, 19u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 20u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 21u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 22u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 23u, plane, tile)] = 0.87890625f * r3[1] - 2.125f * r3[3] + r3[5];
  }
  {
    let even_a = r4[4] - 1.5625f * r4[2];
    let odd_a = 0.75f * r4[3] - 1.171875f * r4[1];
    let even_b = r4[4] - 0.5625f * r4[2];
    let odd_b = 1.25f * r4[3] - 0.703125f * r4[1];
    y[place(id.z, 24u, plane, tile)] = 0.87890625f * r4[0] - 2.125f * r4[2] + r4[4];
    y[place(id.z, 25u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 26u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 27u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 28u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 29u, plane, tile)] = 0.87890625f * r4[1] - 2.125f * r4[3] + r4[5];
  }
  {
    let even_a = r5[4] - 1.5625f * r5[2];
    let odd_a = 0.75f * r5[3] - 1.171875f * r5[1];
    let even_b = r5[4] - 0.5625f * r5[2];
    let odd_b = 1.25f * r5[3] - 0.703125f * r5[1];
    y[place(id.z, 30u, plane, tile)] = 0.87890625f * r5[0] - 2.125f * r5[2] + r5[4];
    y[place(id.z, 31u, plane, tile)] = even_a + odd_a;
    y[place(id.z, 32u, plane, tile)] = even_a - odd_a;
    y[place(id.z, 33u, plane, tile)] = even_b + odd_b;
    y[place(id.z, 34u, plane, tile)] = even_b - odd_b;
    y[place(id.z, 35u, plane, tile)] = 0.87890625f * r5[1] - 2.125f * r5[3] + r5[5];
  }
}
