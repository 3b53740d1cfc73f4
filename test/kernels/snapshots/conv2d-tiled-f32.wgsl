// conv2d tiled 32x8 of 4x1 f32, bias, residual, relu
// bindings: uniform, read, read, read, read, read_write

struct Shape {
  in_planes: u32,
  in_height: u32,
  in_width: u32,
  out_planes: u32,
  out_height: u32,
  out_width: u32,
  kernel_size: u32,
  stride: u32,
  padding: u32,
  frames: u32,
  units: u32,
  block_chunks: u32,
  encoder_blocks: u32,
  split_units: u32,
  split_stride: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

const PIXELS: u32 = 32u;
const LANES: u32 = 8u;
const CHUNKS: u32 = 128u;
const BLOCK_LANES: u32 = 8u;

var<workgroup> inputs: array<array<vec4f, 32>, 8>;
var<workgroup> weights: array<array<vec4f, 8>, 32>;

fn load_chunk(index: u32) -> vec4f {
  return weight[index];
}

fn finish(pixel: u32, lane: u32, encoder: u32, split: u32, products: vec4f) {
  let out_pixels = shape.out_height * shape.out_width;
  if (pixel >= shape.frames * out_pixels || lane >= shape.out_planes) {
    return;
  }
  let at = ((encoder * shape.frames + pixel / out_pixels) * shape.out_planes + lane) * out_pixels + pixel % out_pixels;
  var value = products;
  
  
  value += bias[encoder * shape.out_planes + lane];
  
  
  value += residual[at];
  
  y[at] = select(value, vec4f(), value < vec4f());
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let tiles = (shape.out_planes + LANES - 1u) / LANES;
  let first_lane = workgroup.y % tiles * LANES;
  let split = workgroup.y / tiles;
  let encoder = workgroup.z;
  let first_pixel = workgroup.x * PIXELS;
  let first_block = encoder * shape.encoder_blocks + first_lane / BLOCK_LANES;
  let first_unit = split * shape.split_units;
  let end_unit = min(first_unit + shape.split_units, shape.units);
  let lane_x = local % 8u;
  let lane_y = local / 8u;

  // The pixel that this invocation loads for all: not those that it computes.
  let in_pixels = shape.in_height * shape.in_width;
  let out_pixels = shape.out_height * shape.out_width;
  let pixel = first_pixel + local % PIXELS;
  let is_pixel = pixel < shape.frames * out_pixels;
  let first_input = (encoder * shape.frames + pixel / out_pixels) * shape.in_planes * in_pixels;
  let first_row = i32(pixel % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let first_column = i32(pixel % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  var input0: vec4f;
  var unit0 = first_unit + local / PIXELS + 0u;
  var plane0 = unit0 % shape.in_planes;
  var kx0 = unit0 / shape.in_planes % shape.kernel_size;
  var ky0 = unit0 / shape.in_planes / shape.kernel_size;
  var input1: vec4f;
  var unit1 = first_unit + local / PIXELS + 2u;
  var plane1 = unit1 % shape.in_planes;
  var kx1 = unit1 / shape.in_planes % shape.kernel_size;
  var ky1 = unit1 / shape.in_planes / shape.kernel_size;
  let chunk_row0 = (local + 0u) / LANES;
  let chunk_lane0 = (local + 0u) % LANES;
  let chunk_base0 = (first_block + chunk_lane0 / BLOCK_LANES) * shape.block_chunks * BLOCK_LANES + chunk_lane0 % BLOCK_LANES;
  var chunk0: vec4f;
  let chunk_row1 = (local + 64u) / LANES;
  let chunk_lane1 = (local + 64u) % LANES;
  let chunk_base1 = (first_block + chunk_lane1 / BLOCK_LANES) * shape.block_chunks * BLOCK_LANES + chunk_lane1 % BLOCK_LANES;
  var chunk1: vec4f;
  var chunk_row = first_unit * 4u / 1u;
  var acc0_0 = vec4f();
  var acc1_0 = vec4f();
  var acc2_0 = vec4f();
  var acc3_0 = vec4f();

  var place = 0u;
  input0 = vec4f();
  if (unit0 < end_unit && is_pixel) {
    let row = first_row + i32(ky0);
    let column = first_column + i32(kx0);
    if (u32(row) < shape.in_height && u32(column) < shape.in_width) {
      input0 = x[first_input + plane0 * in_pixels + u32(row) * shape.in_width + u32(column)];
    }
  }
  unit0 += 4u;
  plane0 += 4u;
  while (plane0 >= shape.in_planes) {
    plane0 -= shape.in_planes;
    kx0++;
    if (kx0 == shape.kernel_size) {
      kx0 = 0u;
      ky0++;
    }
  }
  input1 = vec4f();
  if (unit1 < end_unit && is_pixel) {
    let row = first_row + i32(ky1);
    let column = first_column + i32(kx1);
    if (u32(row) < shape.in_height && u32(column) < shape.in_width) {
      input1 = x[first_input + plane1 * in_pixels + u32(row) * shape.in_width + u32(column)];
    }
  }
  unit1 += 4u;
  plane1 += 4u;
  while (plane1 >= shape.in_planes) {
    plane1 -= shape.in_planes;
    kx1++;
    if (kx1 == shape.kernel_size) {
      kx1 = 0u;
      ky1++;
    }
  }
  chunk0 = load_chunk(chunk_base0 + min(chunk_row + chunk_row0, shape.block_chunks - 1u) * BLOCK_LANES);
  chunk1 = load_chunk(chunk_base1 + min(chunk_row + chunk_row1, shape.block_chunks - 1u) * BLOCK_LANES);
  chunk_row += 16u;
  inputs[place * 4u + local / PIXELS + 0u][local % PIXELS] = input0;
  inputs[place * 4u + local / PIXELS + 2u][local % PIXELS] = input1;
    weights[place * 16u + chunk_row0 * 1u + 0u][chunk_lane0] = chunk0;
    weights[place * 16u + chunk_row1 * 1u + 0u][chunk_lane1] = chunk1;
  workgroupBarrier();
  for (var unit = first_unit; unit < end_unit; unit += 4u) {
    let more = unit + 4u < end_unit;
    if (more) {
  input0 = vec4f();
  if (unit0 < end_unit && is_pixel) {
    let row = first_row + i32(ky0);
    let column = first_column + i32(kx0);
    if (u32(row) < shape.in_height && u32(column) < shape.in_width) {
      input0 = x[first_input + plane0 * in_pixels + u32(row) * shape.in_width + u32(column)];
    }
  }
  unit0 += 4u;
  plane0 += 4u;
  while (plane0 >= shape.in_planes) {
    plane0 -= shape.in_planes;
    kx0++;
    if (kx0 == shape.kernel_size) {
      kx0 = 0u;
      ky0++;
    }
  }
  input1 = vec4f();
  if (unit1 < end_unit && is_pixel) {
    let row = first_row + i32(ky1);
    let column = first_column + i32(kx1);
    if (u32(row) < shape.in_height && u32(column) < shape.in_width) {
      input1 = x[first_input + plane1 * in_pixels + u32(row) * shape.in_width + u32(column)];
    }
  }
  unit1 += 4u;
  plane1 += 4u;
  while (plane1 >= shape.in_planes) {
    plane1 -= shape.in_planes;
    kx1++;
    if (kx1 == shape.kernel_size) {
      kx1 = 0u;
      ky1++;
    }
  }
  chunk0 = load_chunk(chunk_base0 + min(chunk_row + chunk_row0, shape.block_chunks - 1u) * BLOCK_LANES);
  chunk1 = load_chunk(chunk_base1 + min(chunk_row + chunk_row1, shape.block_chunks - 1u) * BLOCK_LANES);
  chunk_row += 16u;
    }
    {
      let v0 = inputs[place * 4u + 0u][lane_x + 0u];
      let v1 = inputs[place * 4u + 0u][lane_x + 8u];
      let v2 = inputs[place * 4u + 0u][lane_x + 16u];
      let v3 = inputs[place * 4u + 0u][lane_x + 24u];
      {
        let w = weights[place * 16u + 0u][lane_y + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[place * 16u + 1u][lane_y + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[place * 16u + 2u][lane_y + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[place * 16u + 3u][lane_y + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[place * 4u + 1u][lane_x + 0u];
      let v1 = inputs[place * 4u + 1u][lane_x + 8u];
      let v2 = inputs[place * 4u + 1u][lane_x + 16u];
      let v3 = inputs[place * 4u + 1u][lane_x + 24u];
      {
        let w = weights[place * 16u + 4u][lane_y + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[place * 16u + 5u][lane_y + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[place * 16u + 6u][lane_y + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[place * 16u + 7u][lane_y + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[place * 4u + 2u][lane_x + 0u];
      let v1 = inputs[place * 4u + 2u][lane_x + 8u];
      let v2 = inputs[place * 4u + 2u][lane_x + 16u];
      let v3 = inputs[place * 4u + 2u][lane_x + 24u];
      {
        let w = weights[place * 16u + 8u][lane_y + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[place * 16u + 9u][lane_y + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[place * 16u + 10u][lane_y + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[place * 16u + 11u][lane_y + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    {
      let v0 = inputs[place * 4u + 3u][lane_x + 0u];
      let v1 = inputs[place * 4u + 3u][lane_x + 8u];
      let v2 = inputs[place * 4u + 3u][lane_x + 16u];
      let v3 = inputs[place * 4u + 3u][lane_x + 24u];
      {
        let w = weights[place * 16u + 12u][lane_y + 0u];
        acc0_0 += w * v0[0];
        acc1_0 += w * v1[0];
        acc2_0 += w * v2[0];
        acc3_0 += w * v3[0];
      }
      {
        let w = weights[place * 16u + 13u][lane_y + 0u];
        acc0_0 += w * v0[1];
        acc1_0 += w * v1[1];
        acc2_0 += w * v2[1];
        acc3_0 += w * v3[1];
      }
      {
        let w = weights[place * 16u + 14u][lane_y + 0u];
        acc0_0 += w * v0[2];
        acc1_0 += w * v1[2];
        acc2_0 += w * v2[2];
        acc3_0 += w * v3[2];
      }
      {
        let w = weights[place * 16u + 15u][lane_y + 0u];
        acc0_0 += w * v0[3];
        acc1_0 += w * v1[3];
        acc2_0 += w * v2[3];
        acc3_0 += w * v3[3];
      }
    }
    place = 1u - place;
    if (more) {
  inputs[place * 4u + local / PIXELS + 0u][local % PIXELS] = input0;
  inputs[place * 4u + local / PIXELS + 2u][local % PIXELS] = input1;
    weights[place * 16u + chunk_row0 * 1u + 0u][chunk_lane0] = chunk0;
    weights[place * 16u + chunk_row1 * 1u + 0u][chunk_lane1] = chunk1;
    }
    workgroupBarrier();
  }
  finish(first_pixel + lane_x + 0u, first_lane + lane_y + 0u, encoder, split, acc0_0);
  finish(first_pixel + lane_x + 8u, first_lane + lane_y + 0u, encoder, split, acc1_0);
  finish(first_pixel + lane_x + 16u, first_lane + lane_y + 0u, encoder, split, acc2_0);
  finish(first_pixel + lane_x + 24u, first_lane + lane_y + 0u, encoder, split, acc3_0);
}
