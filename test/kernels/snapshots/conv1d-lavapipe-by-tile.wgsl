// conv1d k5 s1 4 -> 4 4c 8x1 int8 carried texture by tile, time uniform
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
    {
      let w0 = vec2f(bitcast<vec2i>(vec2u(chunk0[0]) << vec2u(24u, 16u)));
      acc2[0] += w0[0] * x0_1[0];
      acc2[1] += w0[1] * x0_1[0];
      acc3[0] += w0[0] * x0_1[1];
      acc3[1] += w0[1] * x0_1[1];
      let w1 = vec2f(bitcast<vec2i>(vec2u(chunk0[1]) << vec2u(24u, 16u)));
      acc1[0] += w1[0] * x0_1[0];
      acc1[1] += w1[1] * x0_1[0];
      acc2[0] += w1[0] * x0_1[1];
      acc2[1] += w1[1] * x0_1[1];
      acc3[0] += w1[0] * x0_1[2];
      acc3[1] += w1[1] * x0_1[2];
      let w2 = vec2f(bitcast<vec2i>(vec2u(chunk0[2]) << vec2u(24u, 16u)));
      acc0[0] += w2[0] * x0_1[0];
      acc0[1] += w2[1] * x0_1[0];
      acc1[0] += w2[0] * x0_1[1];
      acc1[1] += w2[1] * x0_1[1];
      acc2[0] += w2[0] * x0_1[2];
      acc2[1] += w2[1] * x0_1[2];
      acc3[0] += w2[0] * x0_1[3];
      acc3[1] += w2[1] * x0_1[3];
      let w3 = vec2f(bitcast<vec2i>(vec2u(chunk0[3]) << vec2u(24u, 16u)));
      acc0[0] += w3[0] * x0_1[1];
      acc0[1] += w3[1] * x0_1[1];
      acc1[0] += w3[0] * x0_1[2];
      acc1[1] += w3[1] * x0_1[2];
      acc2[0] += w3[0] * x0_1[3];
      acc2[1] += w3[1] * x0_1[3];
      let w4 = vec2f(bitcast<vec2i>(vec2u(chunk1[0]) << vec2u(24u, 16u)));
      acc0[0] += w4[0] * x0_1[2];
      acc0[1] += w4[1] * x0_1[2];
      acc1[0] += w4[0] * x0_1[3];
      acc1[1] += w4[1] * x0_1[3];
      let w5 = vec2f(bitcast<vec2i>(vec2u(chunk1[1]) << vec2u(24u, 16u)));
      acc2[0] += w5[0] * x1_1[0];
      acc2[1] += w5[1] * x1_1[0];
      acc3[0] += w5[0] * x1_1[1];
      acc3[1] += w5[1] * x1_1[1];
      let w6 = vec2f(bitcast<vec2i>(vec2u(chunk1[2]) << vec2u(24u, 16u)));
      acc1[0] += w6[0] * x1_1[0];
      acc1[1] += w6[1] * x1_1[0];
      acc2[0] += w6[0] * x1_1[1];
      acc2[1] += w6[1] * x1_1[1];
      acc3[0] += w6[0] * x1_1[2];
      acc3[1] += w6[1] * x1_1[2];
      let w7 = vec2f(bitcast<vec2i>(vec2u(chunk1[3]) << vec2u(24u, 16u)));
      acc0[0] += w7[0] * x1_1[0];
      acc0[1] += w7[1] * x1_1[0];
      acc1[0] += w7[0] * x1_1[1];
      acc1[1] += w7[1] * x1_1[1];
      acc2[0] += w7[0] * x1_1[2];
      acc2[1] += w7[1] * x1_1[2];
      acc3[0] += w7[0] * x1_1[3];
      acc3[1] += w7[1] * x1_1[3];
      let w8 = vec2f(bitcast<vec2i>(vec2u(chunk2[0]) << vec2u(24u, 16u)));
      acc0[0] += w8[0] * x1_1[1];
      acc0[1] += w8[1] * x1_1[1];
      acc1[0] += w8[0] * x1_1[2];
      acc1[1] += w8[1] * x1_1[2];
      acc2[0] += w8[0] * x1_1[3];
      acc2[1] += w8[1] * x1_1[3];
      let w9 = vec2f(bitcast<vec2i>(vec2u(chunk2[1]) << vec2u(24u, 16u)));
      acc0[0] += w9[0] * x1_1[2];
      acc0[1] += w9[1] * x1_1[2];
      acc1[0] += w9[0] * x1_1[3];
      acc1[1] += w9[1] * x1_1[3];
      let w10 = vec2f(bitcast<vec2i>(vec2u(chunk2[2]) << vec2u(24u, 16u)));
      acc2[0] += w10[0] * x2_1[0];
      acc2[1] += w10[1] * x2_1[0];
      acc3[0] += w10[0] * x2_1[1];
      acc3[1] += w10[1] * x2_1[1];
      let w11 = vec2f(bitcast<vec2i>(vec2u(chunk2[3]) << vec2u(24u, 16u)));
      acc1[0] += w11[0] * x2_1[0];
      acc1[1] += w11[1] * x2_1[0];
      acc2[0] += w11[0] * x2_1[1];
      acc2[1] += w11[1] * x2_1[1];
      acc3[0] += w11[0] * x2_1[2];
      acc3[1] += w11[1] * x2_1[2];
      let w12 = vec2f(bitcast<vec2i>(vec2u(chunk3[0]) << vec2u(24u, 16u)));
      acc0[0] += w12[0] * x2_1[0];
      acc0[1] += w12[1] * x2_1[0];
      acc1[0] += w12[0] * x2_1[1];
      acc1[1] += w12[1] * x2_1[1];
      acc2[0] += w12[0] * x2_1[2];
      acc2[1] += w12[1] * x2_1[2];
      acc3[0] += w12[0] * x2_1[3];
      acc3[1] += w12[1] * x2_1[3];
      let w13 = vec2f(bitcast<vec2i>(vec2u(chunk3[1]) << vec2u(24u, 16u)));
      acc0[0] += w13[0] * x2_1[1];
      acc0[1] += w13[1] * x2_1[1];
      acc1[0] += w13[0] * x2_1[2];
      acc1[1] += w13[1] * x2_1[2];
      acc2[0] += w13[0] * x2_1[3];
      acc2[1] += w13[1] * x2_1[3];
      let w14 = vec2f(bitcast<vec2i>(vec2u(chunk3[2]) << vec2u(24u, 16u)));
      acc0[0] += w14[0] * x2_1[2];
      acc0[1] += w14[1] * x2_1[2];
      acc1[0] += w14[0] * x2_1[3];
      acc1[1] += w14[1] * x2_1[3];
      let w15 = vec2f(bitcast<vec2i>(vec2u(chunk3[3]) << vec2u(24u, 16u)));
      acc2[0] += w15[0] * x3_1[0];
      acc2[1] += w15[1] * x3_1[0];
      acc3[0] += w15[0] * x3_1[1];
      acc3[1] += w15[1] * x3_1[1];
      let w16 = vec2f(bitcast<vec2i>(vec2u(chunk4[0]) << vec2u(24u, 16u)));
      acc1[0] += w16[0] * x3_1[0];
      acc1[1] += w16[1] * x3_1[0];
      acc2[0] += w16[0] * x3_1[1];
      acc2[1] += w16[1] * x3_1[1];
      acc3[0] += w16[0] * x3_1[2];
      acc3[1] += w16[1] * x3_1[2];
      let w17 = vec2f(bitcast<vec2i>(vec2u(chunk4[1]) << vec2u(24u, 16u)));
      acc0[0] += w17[0] * x3_1[0];
      acc0[1] += w17[1] * x3_1[0];
      acc1[0] += w17[0] * x3_1[1];
      acc1[1] += w17[1] * x3_1[1];
      acc2[0] += w17[0] * x3_1[2];
      acc2[1] += w17[1] * x3_1[2];
      acc3[0] += w17[0] * x3_1[3];
      acc3[1] += w17[1] * x3_1[3];
      let w18 = vec2f(bitcast<vec2i>(vec2u(chunk4[2]) << vec2u(24u, 16u)));
      acc0[0] += w18[0] * x3_1[1];
      acc0[1] += w18[1] * x3_1[1];
      acc1[0] += w18[0] * x3_1[2];
      acc1[1] += w18[1] * x3_1[2];
      acc2[0] += w18[0] * x3_1[3];
      acc2[1] += w18[1] * x3_1[3];
      let w19 = vec2f(bitcast<vec2i>(vec2u(chunk4[3]) << vec2u(24u, 16u)));
      acc0[0] += w19[0] * x3_1[2];
      acc0[1] += w19[1] * x3_1[2];
      acc1[0] += w19[0] * x3_1[3];
      acc1[1] += w19[1] * x3_1[3];
    }
    {
      let w0 = vec2f(bitcast<vec2i>(vec2u(chunk0[0]) << vec2u(8u, 0u)));
      acc2[2] += w0[0] * x0_1[0];
      acc2[3] += w0[1] * x0_1[0];
      acc3[2] += w0[0] * x0_1[1];
      acc3[3] += w0[1] * x0_1[1];
      let w1 = vec2f(bitcast<vec2i>(vec2u(chunk0[1]) << vec2u(8u, 0u)));
      acc1[2] += w1[0] * x0_1[0];
      acc1[3] += w1[1] * x0_1[0];
      acc2[2] += w1[0] * x0_1[1];
      acc2[3] += w1[1] * x0_1[1];
      acc3[2] += w1[0] * x0_1[2];
      acc3[3] += w1[1] * x0_1[2];
      let w2 = vec2f(bitcast<vec2i>(vec2u(chunk0[2]) << vec2u(8u, 0u)));
      acc0[2] += w2[0] * x0_1[0];
      acc0[3] += w2[1] * x0_1[0];
      acc1[2] += w2[0] * x0_1[1];
      acc1[3] += w2[1] * x0_1[1];
      acc2[2] += w2[0] * x0_1[2];
      acc2[3] += w2[1] * x0_1[2];
      acc3[2] += w2[0] * x0_1[3];
      acc3[3] += w2[1] * x0_1[3];
      let w3 = vec2f(bitcast<vec2i>(vec2u(chunk0[3]) << vec2u(8u, 0u)));
      acc0[2] += w3[0] * x0_1[1];
      acc0[3] += w3[1] * x0_1[1];
      acc1[2] += w3[0] * x0_1[2];
      acc1[3] += w3[1] * x0_1[2];
      acc2[2] += w3[0] * x0_1[3];
      acc2[3] += w3[1] * x0_1[3];
      let w4 = vec2f(bitcast<vec2i>(vec2u(chunk1[0]) << vec2u(8u, 0u)));
      acc0[2] += w4[0] * x0_1[2];
      acc0[3] += w4[1] * x0_1[2];
      acc1[2] += w4[0] * x0_1[3];
      acc1[3] += w4[1] * x0_1[3];
      let w5 = vec2f(bitcast<vec2i>(vec2u(chunk1[1]) << vec2u(8u, 0u)));
      acc2[2] += w5[0] * x1_1[0];
      acc2[3] += w5[1] * x1_1[0];
      acc3[2] += w5[0] * x1_1[1];
      acc3[3] += w5[1] * x1_1[1];
      let w6 = vec2f(bitcast<vec2i>(vec2u(chunk1[2]) << vec2u(8u, 0u)));
      acc1[2] += w6[0] * x1_1[0];
      acc1[3] += w6[1] * x1_1[0];
      acc2[2] += w6[0] * x1_1[1];
      acc2[3] += w6[1] * x1_1[1];
      acc3[2] += w6[0] * x1_1[2];
      acc3[3] += w6[1] * x1_1[2];
      let w7 = vec2f(bitcast<vec2i>(vec2u(chunk1[3]) << vec2u(8u, 0u)));
      acc0[2] += w7[0] * x1_1[0];
      acc0[3] += w7[1] * x1_1[0];
      acc1[2] += w7[0] * x1_1[1];
      acc1[3] += w7[1] * x1_1[1];
      acc2[2] += w7[0] * x1_1[2];
      acc2[3] += w7[1] * x1_1[2];
      acc3[2] += w7[0] * x1_1[3];
      acc3[3] += w7[1] * x1_1[3];
      let w8 = vec2f(bitcast<vec2i>(vec2u(chunk2[0]) << vec2u(8u, 0u)));
      acc0[2] += w8[0] * x1_1[1];
      acc0[3] += w8[1] * x1_1[1];
      acc1[2] += w8[0] * x1_1[2];
      acc1[3] += w8[1] * x1_1[2];
      acc2[2] += w8[0] * x1_1[3];
      acc2[3] += w8[1] * x1_1[3];
      let w9 = vec2f(bitcast<vec2i>(vec2u(chunk2[1]) << vec2u(8u, 0u)));
      acc0[2] += w9[0] * x1_1[2];
      acc0[3] += w9[1] * x1_1[2];
      acc1[2] += w9[0] * x1_1[3];
      acc1[3] += w9[1] * x1_1[3];
      let w10 = vec2f(bitcast<vec2i>(vec2u(chunk2[2]) << vec2u(8u, 0u)));
      acc2[2] += w10[0] * x2_1[0];
      acc2[3] += w10[1] * x2_1[0];
      acc3[2] += w10[0] * x2_1[1];
      acc3[3] += w10[1] * x2_1[1];
      let w11 = vec2f(bitcast<vec2i>(vec2u(chunk2[3]) << vec2u(8u, 0u)));
      acc1[2] += w11[0] * x2_1[0];
      acc1[3] += w11[1] * x2_1[0];
      acc2[2] += w11[0] * x2_1[1];
      acc2[3] += w11[1] * x2_1[1];
      acc3[2] += w11[0] * x2_1[2];
      acc3[3] += w11[1] * x2_1[2];
      let w12 = vec2f(bitcast<vec2i>(vec2u(chunk3[0]) << vec2u(8u, 0u)));
      acc0[2] += w12[0] * x2_1[0];
      acc0[3] += w12[1] * x2_1[0];
      acc1[2] += w12[0] * x2_1[1];
      acc1[3] += w12[1] * x2_1[1];
      acc2[2] += w12[0] * x2_1[2];
      acc2[3] += w12[1] * x2_1[2];
      acc3[2] += w12[0] * x2_1[3];
      acc3[3] += w12[1] * x2_1[3];
      let w13 = vec2f(bitcast<vec2i>(vec2u(chunk3[1]) << vec2u(8u, 0u)));
      acc0[2] += w13[0] * x2_1[1];
      acc0[3] += w13[1] * x2_1[1];
      acc1[2] += w13[0] * x2_1[2];
      acc1[3] += w13[1] * x2_1[2];
      acc2[2] += w13[0] * x2_1[3];
      acc2[3] += w13[1] * x2_1[3];
      let w14 = vec2f(bitcast<vec2i>(vec2u(chunk3[2]) << vec2u(8u, 0u)));
      acc0[2] += w14[0] * x2_1[2];
      acc0[3] += w14[1] * x2_1[2];
      acc1[2] += w14[0] * x2_1[3];
      acc1[3] += w14[1] * x2_1[3];
      let w15 = vec2f(bitcast<vec2i>(vec2u(chunk3[3]) << vec2u(8u, 0u)));
      acc2[2] += w15[0] * x3_1[0];
      acc2[3] += w15[1] * x3_1[0];
      acc3[2] += w15[0] * x3_1[1];
      acc3[3] += w15[1] * x3_1[1];
      let w16 = vec2f(bitcast<vec2i>(vec2u(chunk4[0]) << vec2u(8u, 0u)));
      acc1[2] += w16[0] * x3_1[0];
      acc1[3] += w16[1] * x3_1[0];
      acc2[2] += w16[0] * x3_1[1];
      acc2[3] += w16[1] * x3_1[1];
      acc3[2] += w16[0] * x3_1[2];
      acc3[3] += w16[1] * x3_1[2];
      let w17 = vec2f(bitcast<vec2i>(vec2u(chunk4[1]) << vec2u(8u, 0u)));
      acc0[2] += w17[0] * x3_1[0];
      acc0[3] += w17[1] * x3_1[0];
      acc1[2] += w17[0] * x3_1[1];
      acc1[3] += w17[1] * x3_1[1];
      acc2[2] += w17[0] * x3_1[2];
      acc2[3] += w17[1] * x3_1[2];
      acc3[2] += w17[0] * x3_1[3];
      acc3[3] += w17[1] * x3_1[3];
      let w18 = vec2f(bitcast<vec2i>(vec2u(chunk4[2]) << vec2u(8u, 0u)));
      acc0[2] += w18[0] * x3_1[1];
      acc0[3] += w18[1] * x3_1[1];
      acc1[2] += w18[0] * x3_1[2];
      acc1[3] += w18[1] * x3_1[2];
      acc2[2] += w18[0] * x3_1[3];
      acc2[3] += w18[1] * x3_1[3];
      let w19 = vec2f(bitcast<vec2i>(vec2u(chunk4[3]) << vec2u(8u, 0u)));
      acc0[2] += w19[0] * x3_1[2];
      acc0[3] += w19[1] * x3_1[2];
      acc1[2] += w19[0] * x3_1[3];
      acc1[3] += w19[1] * x3_1[3];
    }
  }
  acc0 = (acc0 - vec4f(0.0f, acc0.xyz) * 0.00390625f) * 5.960464477539063e-8f;
  acc1 = (acc1 - vec4f(0.0f, acc1.xyz) * 0.00390625f) * 5.960464477539063e-8f;
  acc2 = (acc2 - vec4f(0.0f, acc2.xyz) * 0.00390625f) * 5.960464477539063e-8f;
  acc3 = (acc3 - vec4f(0.0f, acc3.xyz) * 0.00390625f) * 5.960464477539063e-8f;
  let end = min(COLUMNS, OUT_LENGTH - first);

  for (var k = 0u; k < 4u * end; k++) {
    finish(row_group, k % 4u, first + k / 4u, batch, split, acc0.x);
    acc0 = vec4f(acc0.yzw, acc1.x);
    acc1 = vec4f(acc1.yzw, acc2.x);
    acc2 = vec4f(acc2.yzw, acc3.x);
    acc3 = vec4f(acc3.yzw, 0.0f);
  }

}
