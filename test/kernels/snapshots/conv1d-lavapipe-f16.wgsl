// conv1d k5 s1 4 -> 4 4c 8x1 f16 texture, time uniform
// bindings: uniform, uniform, texture, read, read_write

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
const TURN_CHUNKS: u32 = 5u;
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
    let row0 = first_value + (n * 2u + 0u) * shape.x_channel;
    let row1 = first_value + (n * 2u + 1u) * shape.x_channel;
    let x0_1 = x[row0 / 4u + 0u];
    let x1_1 = x[row1 / 4u + 0u];
    {
      let chunk = load_chunk(base + 0u);
      {
        let w = vec4f(unpack2x16float(chunk[0]), unpack2x16float(chunk[1]));
        acc2 += w * x0_1[0];
        acc3 += w * x0_1[1];
      }
      {
        let w = vec4f(unpack2x16float(chunk[2]), unpack2x16float(chunk[3]));
        acc1 += w * x0_1[0];
        acc2 += w * x0_1[1];
        acc3 += w * x0_1[2];
      }
    }
    {
      let chunk = load_chunk(base + 8u);
      {
        let w = vec4f(unpack2x16float(chunk[0]), unpack2x16float(chunk[1]));
        acc0 += w * x0_1[0];
        acc1 += w * x0_1[1];
        acc2 += w * x0_1[2];
        acc3 += w * x0_1[3];
      }
      {
        let w = vec4f(unpack2x16float(chunk[2]), unpack2x16float(chunk[3]));
        acc0 += w * x0_1[1];
        acc1 += w * x0_1[2];
        acc2 += w * x0_1[3];
      }
    }
    {
      let chunk = load_chunk(base + 16u);
      {
        let w = vec4f(unpack2x16float(chunk[0]), unpack2x16float(chunk[1]));
        acc0 += w * x0_1[2];
        acc1 += w * x0_1[3];
      }
      {
        let w = vec4f(unpack2x16float(chunk[2]), unpack2x16float(chunk[3]));
        acc2 += w * x1_1[0];
        acc3 += w * x1_1[1];
      }
    }
    {
      let chunk = load_chunk(base + 24u);
      {
        let w = vec4f(unpack2x16float(chunk[0]), unpack2x16float(chunk[1]));
        acc1 += w * x1_1[0];
        acc2 += w * x1_1[1];
        acc3 += w * x1_1[2];
      }
      {
        let w = vec4f(unpack2x16float(chunk[2]), unpack2x16float(chunk[3]));
        acc0 += w * x1_1[0];
        acc1 += w * x1_1[1];
        acc2 += w * x1_1[2];
        acc3 += w * x1_1[3];
      }
    }
    {
      let chunk = load_chunk(base + 32u);
      {
        let w = vec4f(unpack2x16float(chunk[0]), unpack2x16float(chunk[1]));
        acc0 += w * x1_1[1];
        acc1 += w * x1_1[2];
        acc2 += w * x1_1[3];
      }
      {
        let w = vec4f(unpack2x16float(chunk[2]), unpack2x16float(chunk[3]));
        acc0 += w * x1_1[2];
        acc1 += w * x1_1[3];
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
