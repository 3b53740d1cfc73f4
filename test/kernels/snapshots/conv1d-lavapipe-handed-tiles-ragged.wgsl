// conv1d k3 s1 9 -> 9 4c 8x1 f16 texture by column, scalar handed 2 by 4
// bindings: uniform, read, texture, read, read_write
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
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var weight: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 9u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 1u;
const INVOCATIONS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 3u;
const TURN_CHANNELS: u32 = 2u;




fn load_chunk(index: u32) -> vec4u {
  return textureLoad(weight, vec2u(index % 8192u, index / 8192u));
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
  let first = workgroup.y % 3u * COLUMNS;
  let batch = workgroup.z;
  let split = workgroup.y / 3u;
  let first_turn = 0u;
  let end_turn = shape.turns;
  
  let first_value = shape.x_offset + batch * shape.x_batch;
  
  let part0 = member + 0u;
  let position0 = i32(first) * 1 - 1 + 0 + i32(part0 % 6u);
  let place0 = u32(clamp(position0, 0, 8));
  let inside0 = u32(position0) < 9u;
  let part1 = member + 4u;
  let position1 = i32(first) * 1 - 1 + 0 + i32(part1 % 6u);
  let place1 = u32(clamp(position1, 0, 8));
  let inside1 = u32(position1) < 9u;
  let part2 = member + 8u;
  let position2 = i32(first) * 1 - 1 + 0 + i32(part2 % 6u);
  let place2 = u32(clamp(position2, 0, 8));
  let inside2 = u32(position2) < 9u;
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  for (var n = first_turn; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
    let slot0 = select(0.0f, x[first_value + (min(n * 2u + part0 / 6u, shape.in_channels - 1u)) * shape.x_channel + place0 * shape.x_time], inside0);
    let slot1 = select(0.0f, x[first_value + (min(n * 2u + part1 / 6u, shape.in_channels - 1u)) * shape.x_channel + place1 * shape.x_time], inside1);
    let slot2 = select(0.0f, x[first_value + (min(n * 2u + part2 / 6u, shape.in_channels - 1u)) * shape.x_channel + place2 * shape.x_time], inside2);
    let chunk0 = load_chunk(base + 0u);
    let chunk1 = load_chunk(base + 8u);
    let chunk2 = load_chunk(base + 16u);
    let w0 = vec4f(unpack2x16float(chunk0[0]), unpack2x16float(chunk0[1]));
    let w1 = vec4f(unpack2x16float(chunk0[2]), unpack2x16float(chunk0[3]));
    let w2 = vec4f(unpack2x16float(chunk1[0]), unpack2x16float(chunk1[1]));
    let w3 = vec4f(unpack2x16float(chunk1[2]), unpack2x16float(chunk1[3]));
    let w4 = vec4f(unpack2x16float(chunk2[0]), unpack2x16float(chunk2[1]));
    let w5 = vec4f(unpack2x16float(chunk2[2]), unpack2x16float(chunk2[3]));
    acc0 += w0 * subgroupBroadcast(slot0, 0u);
    acc0 += w1 * subgroupBroadcast(slot0, 1u);
    acc0 += w2 * subgroupBroadcast(slot0, 2u);
    acc0 += w3 * subgroupBroadcast(slot1, 2u);
    acc0 += w4 * subgroupBroadcast(slot1, 3u);
    acc0 += w5 * subgroupBroadcast(slot2, 0u);
    acc1 += w0 * subgroupBroadcast(slot0, 1u);
    acc1 += w1 * subgroupBroadcast(slot0, 2u);
    acc1 += w2 * subgroupBroadcast(slot0, 3u);
    acc1 += w3 * subgroupBroadcast(slot1, 3u);
    acc1 += w4 * subgroupBroadcast(slot2, 0u);
    acc1 += w5 * subgroupBroadcast(slot2, 1u);
    acc2 += w0 * subgroupBroadcast(slot0, 2u);
    acc2 += w1 * subgroupBroadcast(slot0, 3u);
    acc2 += w2 * subgroupBroadcast(slot1, 0u);
    acc2 += w3 * subgroupBroadcast(slot2, 0u);
    acc2 += w4 * subgroupBroadcast(slot2, 1u);
    acc2 += w5 * subgroupBroadcast(slot2, 2u);
    acc3 += w0 * subgroupBroadcast(slot0, 3u);
    acc3 += w1 * subgroupBroadcast(slot1, 0u);
    acc3 += w2 * subgroupBroadcast(slot1, 1u);
    acc3 += w3 * subgroupBroadcast(slot2, 1u);
    acc3 += w4 * subgroupBroadcast(slot2, 2u);
    acc3 += w5 * subgroupBroadcast(slot2, 3u);
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
