// conv2d picture 5 of 3 by 3x3/2 subgroup 8 f16 texture, bias, residual, relu
// bindings: uniform, read, texture, read, read, read_write
enable subgroups;
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
@group(0) @binding(2) var weight: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

const PIXELS: u32 = 5u;
const BLOCK_LANES: u32 = 8u;

fn load_chunk(index: u32) -> vec4u {
  return textureLoad(weight, vec2u(index % 8192u, index / 8192u));
}

fn finish(at: u32, lane: u32, encoder: u32, products: vec4f) {
  var value = products;
  
  
  value += bias[encoder * shape.out_planes + lane];
  
  
  value += residual[at];
  
  y[at] = select(value, vec4f(), value < vec4f());
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let encoder = workgroup.z;
  let lane = workgroup.x * BLOCK_LANES + local;
  let tiles = (shape.out_width + PIXELS - 1u) / PIXELS;
  let first_pixel = workgroup.y % tiles * PIXELS;
  let row = workgroup.y / tiles % shape.out_height;
  let sample = encoder * shape.frames + workgroup.y / tiles / shape.out_height;
  let first = sample * shape.in_height * shape.in_width;
  let first_row = i32(row * shape.stride) - i32(shape.padding);
  let first_column = i32(first_pixel * shape.stride) - i32(shape.padding);
  let column0 = first_column + i32(0u + member);
  let inside0 = u32(column0) < shape.in_width;
  let from0 = first + select(0u, u32(column0), inside0);
  let column1 = first_column + i32(8u + member);
  let inside1 = u32(column1) < shape.in_width;
  let from1 = first + select(0u, u32(column1), inside1);
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();
  var acc4 = vec4f();

  // Rows outside of the picture add nothing.
  let begin = u32(max(-first_row, 0));
  let end = u32(clamp(i32(shape.in_height) - first_row, 0, 3));
  let first_chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  for (var ky = begin; ky < end; ky++) {
    let above = u32(first_row + i32(ky)) * shape.in_width;
    let chunk = first_chunk + ky * 48u;
    let v0 = select(vec4f(), x[from0 + above], inside0);
    let v1 = select(vec4f(), x[from1 + above], inside1);
    let chunk0_0 = load_chunk(chunk + 0u);
    let chunk0_1 = load_chunk(chunk + 8u);
    let w0_0 = vec4f(unpack2x16float(chunk0_0[0]), unpack2x16float(chunk0_0[1]));
    let w0_1 = vec4f(unpack2x16float(chunk0_0[2]), unpack2x16float(chunk0_0[3]));
    let w0_2 = vec4f(unpack2x16float(chunk0_1[0]), unpack2x16float(chunk0_1[1]));
    let chunk1_0 = load_chunk(chunk + 16u);
    let chunk1_1 = load_chunk(chunk + 24u);
    let w1_0 = vec4f(unpack2x16float(chunk1_0[0]), unpack2x16float(chunk1_0[1]));
    let w1_1 = vec4f(unpack2x16float(chunk1_0[2]), unpack2x16float(chunk1_0[3]));
    let w1_2 = vec4f(unpack2x16float(chunk1_1[0]), unpack2x16float(chunk1_1[1]));
    let chunk2_0 = load_chunk(chunk + 32u);
    let chunk2_1 = load_chunk(chunk + 40u);
    let w2_0 = vec4f(unpack2x16float(chunk2_0[0]), unpack2x16float(chunk2_0[1]));
    let w2_1 = vec4f(unpack2x16float(chunk2_0[2]), unpack2x16float(chunk2_0[3]));
    let w2_2 = vec4f(unpack2x16float(chunk2_1[0]), unpack2x16float(chunk2_1[1]));
    acc0 = fma(w0_0, vec4f(subgroupBroadcast(v0.x, 0u)), acc0);
    acc0 = fma(w0_1, vec4f(subgroupBroadcast(v0.y, 0u)), acc0);
    acc0 = fma(w0_2, vec4f(subgroupBroadcast(v0.z, 0u)), acc0);
    acc0 = fma(w1_0, vec4f(subgroupBroadcast(v0.x, 1u)), acc0);
    acc0 = fma(w1_1, vec4f(subgroupBroadcast(v0.y, 1u)), acc0);
    acc0 = fma(w1_2, vec4f(subgroupBroadcast(v0.z, 1u)), acc0);
    acc0 = fma(w2_0, vec4f(subgroupBroadcast(v0.x, 2u)), acc0);
    acc0 = fma(w2_1, vec4f(subgroupBroadcast(v0.y, 2u)), acc0);
    acc0 = fma(w2_2, vec4f(subgroupBroadcast(v0.z, 2u)), acc0);
    acc1 = fma(w0_0, vec4f(subgroupBroadcast(v0.x, 2u)), acc1);
    acc1 = fma(w0_1, vec4f(subgroupBroadcast(v0.y, 2u)), acc1);
    acc1 = fma(w0_2, vec4f(subgroupBroadcast(v0.z, 2u)), acc1);
    acc1 = fma(w1_0, vec4f(subgroupBroadcast(v0.x, 3u)), acc1);
    acc1 = fma(w1_1, vec4f(subgroupBroadcast(v0.y, 3u)), acc1);
    acc1 = fma(w1_2, vec4f(subgroupBroadcast(v0.z, 3u)), acc1);
    acc1 = fma(w2_0, vec4f(subgroupBroadcast(v0.x, 4u)), acc1);
    acc1 = fma(w2_1, vec4f(subgroupBroadcast(v0.y, 4u)), acc1);
    acc1 = fma(w2_2, vec4f(subgroupBroadcast(v0.z, 4u)), acc1);
    acc2 = fma(w0_0, vec4f(subgroupBroadcast(v0.x, 4u)), acc2);
    acc2 = fma(w0_1, vec4f(subgroupBroadcast(v0.y, 4u)), acc2);
    acc2 = fma(w0_2, vec4f(subgroupBroadcast(v0.z, 4u)), acc2);
    acc2 = fma(w1_0, vec4f(subgroupBroadcast(v0.x, 5u)), acc2);
    acc2 = fma(w1_1, vec4f(subgroupBroadcast(v0.y, 5u)), acc2);
    acc2 = fma(w1_2, vec4f(subgroupBroadcast(v0.z, 5u)), acc2);
    acc2 = fma(w2_0, vec4f(subgroupBroadcast(v0.x, 6u)), acc2);
    acc2 = fma(w2_1, vec4f(subgroupBroadcast(v0.y, 6u)), acc2);
    acc2 = fma(w2_2, vec4f(subgroupBroadcast(v0.z, 6u)), acc2);
    acc3 = fma(w0_0, vec4f(subgroupBroadcast(v0.x, 6u)), acc3);
    acc3 = fma(w0_1, vec4f(subgroupBroadcast(v0.y, 6u)), acc3);
    acc3 = fma(w0_2, vec4f(subgroupBroadcast(v0.z, 6u)), acc3);
    acc3 = fma(w1_0, vec4f(subgroupBroadcast(v0.x, 7u)), acc3);
    acc3 = fma(w1_1, vec4f(subgroupBroadcast(v0.y, 7u)), acc3);
    acc3 = fma(w1_2, vec4f(subgroupBroadcast(v0.z, 7u)), acc3);
    acc3 = fma(w2_0, vec4f(subgroupBroadcast(v1.x, 0u)), acc3);
    acc3 = fma(w2_1, vec4f(subgroupBroadcast(v1.y, 0u)), acc3);
    acc3 = fma(w2_2, vec4f(subgroupBroadcast(v1.z, 0u)), acc3);
    acc4 = fma(w0_0, vec4f(subgroupBroadcast(v1.x, 0u)), acc4);
    acc4 = fma(w0_1, vec4f(subgroupBroadcast(v1.y, 0u)), acc4);
    acc4 = fma(w0_2, vec4f(subgroupBroadcast(v1.z, 0u)), acc4);
    acc4 = fma(w1_0, vec4f(subgroupBroadcast(v1.x, 1u)), acc4);
    acc4 = fma(w1_1, vec4f(subgroupBroadcast(v1.y, 1u)), acc4);
    acc4 = fma(w1_2, vec4f(subgroupBroadcast(v1.z, 1u)), acc4);
    acc4 = fma(w2_0, vec4f(subgroupBroadcast(v1.x, 2u)), acc4);
    acc4 = fma(w2_1, vec4f(subgroupBroadcast(v1.y, 2u)), acc4);
    acc4 = fma(w2_2, vec4f(subgroupBroadcast(v1.z, 2u)), acc4);
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let at = ((sample * shape.out_planes + lane) * shape.out_height + row) * shape.out_width + first_pixel;
  let count = min(PIXELS, shape.out_width - first_pixel);
  for (var k = 0u; k < count; k++) {
    finish(at + k, lane, encoder, acc0);
    acc0 = acc1;
    acc1 = acc2;
    acc2 = acc3;
    acc3 = acc4;
    acc4 = vec4f();
  }
}
