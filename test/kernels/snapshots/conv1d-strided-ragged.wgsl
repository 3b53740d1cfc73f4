// conv1d k3 s2 9 -> 5 4c 8x1 f32, scalar
// bindings: uniform, read, read, read, read_write

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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 5u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 1u;
const INVOCATIONS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 3u;
const TURN_CHANNELS: u32 = 1u;




fn load_chunk(index: u32) -> vec4f {
  return weight[index];
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
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let lane = local % LANES;
  let slice = local / LANES;
  let row_group = workgroup.x * LANES + lane;
  let block = row_group / BLOCK_LANES;
  let first_chunk = block * shape.block_chunks * BLOCK_LANES + lane % BLOCK_LANES;
  let first = workgroup.y % 2u * COLUMNS;
  let batch = workgroup.z;
  let split = workgroup.y / 2u;
  let first_turn = 0u;
  let end_turn = shape.turns;
  
  let first_value = shape.x_offset + batch * shape.x_batch;
  
  let start = i32(first) * 2 - 1;
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  for (var n = first_turn; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
    let row0 = first_value + (min(n, shape.in_channels - 1u)) * shape.x_channel;
    let x0_0 = select(0.0f, x[row0 + u32(clamp(start + 0, 0, 8)) * shape.x_time], u32(start + 0) < 9u);
    let x0_1 = select(0.0f, x[row0 + u32(clamp(start + 1, 0, 8)) * shape.x_time], u32(start + 1) < 9u);
    let x0_2 = select(0.0f, x[row0 + u32(clamp(start + 2, 0, 8)) * shape.x_time], u32(start + 2) < 9u);
    let x0_3 = select(0.0f, x[row0 + u32(clamp(start + 3, 0, 8)) * shape.x_time], u32(start + 3) < 9u);
    let x0_4 = select(0.0f, x[row0 + u32(clamp(start + 4, 0, 8)) * shape.x_time], u32(start + 4) < 9u);
    let x0_5 = select(0.0f, x[row0 + u32(clamp(start + 5, 0, 8)) * shape.x_time], u32(start + 5) < 9u);
    let x0_6 = select(0.0f, x[row0 + u32(clamp(start + 6, 0, 8)) * shape.x_time], u32(start + 6) < 9u);
    let x0_7 = select(0.0f, x[row0 + u32(clamp(start + 7, 0, 8)) * shape.x_time], u32(start + 7) < 9u);
    let x0_8 = select(0.0f, x[row0 + u32(clamp(start + 8, 0, 8)) * shape.x_time], u32(start + 8) < 9u);
    {
      let chunk = load_chunk(base + 0u);
      {
        let w = chunk;
        acc0 += w * x0_0;
        acc1 += w * x0_2;
        acc2 += w * x0_4;
        acc3 += w * x0_6;
      }
    }
    {
      let chunk = load_chunk(base + 8u);
      {
        let w = chunk;
        acc0 += w * x0_1;
        acc1 += w * x0_3;
        acc2 += w * x0_5;
        acc3 += w * x0_7;
      }
    }
    {
      let chunk = load_chunk(base + 16u);
      {
        let w = chunk;
        acc0 += w * x0_2;
        acc1 += w * x0_4;
        acc2 += w * x0_6;
        acc3 += w * x0_8;
      }
    }
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
