// conv1d k5 s1 4 -> 4 4c 8x1 f32 texture by column, time uniform handed 2 by 8
// bindings: uniform, uniform, texture, read, read_write
enable subgroups;

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
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 4u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 1u;
const INVOCATIONS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 10u;
const TURN_CHANNELS: u32 = 2u;




fn load_chunk(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(weight, vec2u(index % 8192u, index / 8192u)));
}

fn finish(row_group: u32, row: u32, column: u32, batch: u32, split: u32, products: f32) {
  let channel = row_group * 4u + row;
  if (channel < shape.out_channels) {
    let sum = products + bias[channel];
    var value = sum;
    
    y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + column * shape.y_time] = value;
  }
}





@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) member: u32) {
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
  
  let part0 = min(member + 0u, 1u);
  let place0 = part0 % 1u + 0u;
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  for (var n = first_turn; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
    let slot0 = x[(first_value + (n * 2u + part0 / 1u) * shape.x_channel + place0 * 4u * shape.x_time) / 4u];
    let chunk0 = load_chunk(base + 0u);
    let chunk1 = load_chunk(base + 8u);
    let chunk2 = load_chunk(base + 16u);
    let chunk3 = load_chunk(base + 24u);
    let chunk4 = load_chunk(base + 32u);
    let chunk5 = load_chunk(base + 40u);
    let chunk6 = load_chunk(base + 48u);
    let chunk7 = load_chunk(base + 56u);
    let chunk8 = load_chunk(base + 64u);
    let chunk9 = load_chunk(base + 72u);
    let w0 = chunk0;
    let w1 = chunk1;
    let w2 = chunk2;
    let w3 = chunk3;
    let w4 = chunk4;
    let w5 = chunk5;
    let w6 = chunk6;
    let w7 = chunk7;
    let w8 = chunk8;
    let w9 = chunk9;
    acc0 += w2 * subgroupBroadcast(slot0[0], 0u);
    acc0 += w3 * subgroupBroadcast(slot0[1], 0u);
    acc0 += w4 * subgroupBroadcast(slot0[2], 0u);
    acc0 += w7 * subgroupBroadcast(slot0[0], 1u);
    acc0 += w8 * subgroupBroadcast(slot0[1], 1u);
    acc0 += w9 * subgroupBroadcast(slot0[2], 1u);
    acc1 += w1 * subgroupBroadcast(slot0[0], 0u);
    acc1 += w2 * subgroupBroadcast(slot0[1], 0u);
    acc1 += w3 * subgroupBroadcast(slot0[2], 0u);
    acc1 += w4 * subgroupBroadcast(slot0[3], 0u);
    acc1 += w6 * subgroupBroadcast(slot0[0], 1u);
    acc1 += w7 * subgroupBroadcast(slot0[1], 1u);
    acc1 += w8 * subgroupBroadcast(slot0[2], 1u);
    acc1 += w9 * subgroupBroadcast(slot0[3], 1u);
    acc2 += w0 * subgroupBroadcast(slot0[0], 0u);
    acc2 += w1 * subgroupBroadcast(slot0[1], 0u);
    acc2 += w2 * subgroupBroadcast(slot0[2], 0u);
    acc2 += w3 * subgroupBroadcast(slot0[3], 0u);
    acc2 += w5 * subgroupBroadcast(slot0[0], 1u);
    acc2 += w6 * subgroupBroadcast(slot0[1], 1u);
    acc2 += w7 * subgroupBroadcast(slot0[2], 1u);
    acc2 += w8 * subgroupBroadcast(slot0[3], 1u);
    acc3 += w0 * subgroupBroadcast(slot0[1], 0u);
    acc3 += w1 * subgroupBroadcast(slot0[2], 0u);
    acc3 += w2 * subgroupBroadcast(slot0[3], 0u);
    acc3 += w5 * subgroupBroadcast(slot0[1], 1u);
    acc3 += w6 * subgroupBroadcast(slot0[2], 1u);
    acc3 += w7 * subgroupBroadcast(slot0[3], 1u);
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
