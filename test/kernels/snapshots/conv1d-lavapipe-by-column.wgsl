// conv1d k5 s1 4 -> 4 4c 8x1 int8 texture by column, time uniform
// bindings: uniform, uniform, texture, read, read, read_write

struct Shape {
  in_channels: u32,
  out_channels: u32,
  row_groups: u32,
  turns: u32,
  block_chunks: u32,
  x_offset: u32,
  x_batch: u32,
  x_channel: u32,
  x_time: u32,
  y_offset: u32,
  y_batch: u32,
  y_channel: u32,
  y_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> x: array<vec4f, 4096>;
@group(0) @binding(2) var weight: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(3) var<storage, read> weight_scale: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 4u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 1u;
const INVOCATIONS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 5u;
const TURN_CHANNELS: u32 = 4u;




fn load_chunk(index: u32) -> vec4u {
  return textureLoad(weight, vec2u(index % 8192u, index / 8192u));
}

fn finish(row_group: u32, row: u32, column: u32, batch: u32, split: u32, products: f32) {
  let channel = row_group * 4u + row;
  if (channel < shape.out_channels) {
    let sum = products * weight_scale[channel] + bias[channel];
    var value = sum;
    
    y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + column * shape.y_time] = value;
  }
}





@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let lane = local % LANES;
  let slice = local / LANES;
  let row_group = workgroup.x * LANES + lane;
  let block = row_group / BLOCK_LANES;
  let first_chunk = block * shape.block_chunks * BLOCK_LANES + lane % BLOCK_LANES;
  let first = workgroup.y % 1u * COLUMNS;
  let batch = workgroup.z;
  let split = workgroup.y / 1u;
  let first_turn = 0u;
  let end_turn = shape.turns;
  
  let first_value = shape.x_offset + batch * shape.x_batch;
  

  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  for (var n = first_turn; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
    let row0 = first_value + (n * 4u + 0u) * shape.x_channel;
    let row1 = first_value + (n * 4u + 1u) * shape.x_channel;
    let row2 = first_value + (n * 4u + 2u) * shape.x_channel;
    let row3 = first_value + (n * 4u + 3u) * shape.x_channel;
    let x0_1 = x[row0 / 4u + 0u];
    let x1_1 = x[row1 / 4u + 0u];
    let x2_1 = x[row2 / 4u + 0u];
    let x3_1 = x[row3 / 4u + 0u];
    let chunk0 = load_chunk(base + 0u);
    let chunk1 = load_chunk(base + 8u);
    let chunk2 = load_chunk(base + 16u);
    let chunk3 = load_chunk(base + 24u);
    let chunk4 = load_chunk(base + 32u);
    let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w4 = vec4f(bitcast<vec4i>(vec4u(chunk1[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w5 = vec4f(bitcast<vec4i>(vec4u(chunk1[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w6 = vec4f(bitcast<vec4i>(vec4u(chunk1[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w7 = vec4f(bitcast<vec4i>(vec4u(chunk1[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w8 = vec4f(bitcast<vec4i>(vec4u(chunk2[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w9 = vec4f(bitcast<vec4i>(vec4u(chunk2[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w10 = vec4f(bitcast<vec4i>(vec4u(chunk2[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w11 = vec4f(bitcast<vec4i>(vec4u(chunk2[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w12 = vec4f(bitcast<vec4i>(vec4u(chunk3[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w13 = vec4f(bitcast<vec4i>(vec4u(chunk3[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w14 = vec4f(bitcast<vec4i>(vec4u(chunk3[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w15 = vec4f(bitcast<vec4i>(vec4u(chunk3[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w16 = vec4f(bitcast<vec4i>(vec4u(chunk4[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w17 = vec4f(bitcast<vec4i>(vec4u(chunk4[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w18 = vec4f(bitcast<vec4i>(vec4u(chunk4[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    let w19 = vec4f(bitcast<vec4i>(vec4u(chunk4[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
    acc0 += w2 * x0_1[0];
    acc0 += w3 * x0_1[1];
    acc0 += w4 * x0_1[2];
    acc0 += w7 * x1_1[0];
    acc0 += w8 * x1_1[1];
    acc0 += w9 * x1_1[2];
    acc0 += w12 * x2_1[0];
    acc0 += w13 * x2_1[1];
    acc0 += w14 * x2_1[2];
    acc0 += w17 * x3_1[0];
    acc0 += w18 * x3_1[1];
    acc0 += w19 * x3_1[2];
    acc1 += w1 * x0_1[0];
    acc1 += w2 * x0_1[1];
    acc1 += w3 * x0_1[2];
    acc1 += w4 * x0_1[3];
    acc1 += w6 * x1_1[0];
    acc1 += w7 * x1_1[1];
    acc1 += w8 * x1_1[2];
    acc1 += w9 * x1_1[3];
    acc1 += w11 * x2_1[0];
    acc1 += w12 * x2_1[1];
    acc1 += w13 * x2_1[2];
    acc1 += w14 * x2_1[3];
    acc1 += w16 * x3_1[0];
    acc1 += w17 * x3_1[1];
    acc1 += w18 * x3_1[2];
    acc1 += w19 * x3_1[3];
    acc2 += w0 * x0_1[0];
    acc2 += w1 * x0_1[1];
    acc2 += w2 * x0_1[2];
    acc2 += w3 * x0_1[3];
    acc2 += w5 * x1_1[0];
    acc2 += w6 * x1_1[1];
    acc2 += w7 * x1_1[2];
    acc2 += w8 * x1_1[3];
    acc2 += w10 * x2_1[0];
    acc2 += w11 * x2_1[1];
    acc2 += w12 * x2_1[2];
    acc2 += w13 * x2_1[3];
    acc2 += w15 * x3_1[0];
    acc2 += w16 * x3_1[1];
    acc2 += w17 * x3_1[2];
    acc2 += w18 * x3_1[3];
    acc3 += w0 * x0_1[1];
    acc3 += w1 * x0_1[2];
    acc3 += w2 * x0_1[3];
    acc3 += w5 * x1_1[1];
    acc3 += w6 * x1_1[2];
    acc3 += w7 * x1_1[3];
    acc3 += w10 * x2_1[1];
    acc3 += w11 * x2_1[2];
    acc3 += w12 * x2_1[3];
    acc3 += w15 * x3_1[1];
    acc3 += w16 * x3_1[2];
    acc3 += w17 * x3_1[3];
  }

  let end = min(COLUMNS, OUT_LENGTH - first);

  for (var k = 0u; k < 4u * end; k++) {
    finish(row_group, k % 4u, first + k / 4u, batch, split, acc0.x);
    acc0 = vec4f(acc0.yzw, acc1.x);
    acc1 = vec4f(acc1.yzw, acc2.x);
    acc2 = vec4f(acc2.yzw, acc3.x);
    acc3 = vec4f(acc3.yzw, 0.0f);
  }

}
