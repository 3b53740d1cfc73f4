// conv1d k5 s1 4 -> 4 4c 8x32 f32, sums joined, split
// bindings: uniform, read, read, read_write, read, read_write

struct Shape {
  in_channels: u32,
  out_channels: u32,
  row_groups: u32,
  turns: u32,
  block_chunks: u32,
  split_turns: u32,
  split_stride: u32,
  partials: u32,
  partial_stride: u32,
  norm_channels: u32,
  film_offset: u32,
  film_row_length: u32,
  staged_channels: u32,
  x_offset: u32,
  x_batch: u32,
  x_channel: u32,
  x_time: u32,
  y_offset: u32,
  y_batch: u32,
  y_channel: u32,
  y_time: u32,
  stored_offset: u32,
  stored_batch: u32,
  stored_channel: u32,
  stored_time: u32,
  skip_offset: u32,
  skip_batch: u32,
  skip_channel: u32,
  skip_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> norm_parameters: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> stored: array<vec4f>;
@group(0) @binding(4) var<storage, read> weight: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 4u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 32u;
const INVOCATIONS: u32 = 256u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 5u;
const TURN_CHANNELS: u32 = 1u;




fn load_chunk(index: u32) -> vec4f {
  return weight[index];
}

fn finish(row_group: u32, row: u32, column: u32, batch: u32, split: u32, products: f32) {
  let channel = row_group * 4u + row;
  if (channel < shape.out_channels) {
    let sum = products;
    var value = sum;
    
    y[shape.y_offset + batch * shape.y_batch + channel * shape.y_channel + column * shape.y_time + split * shape.split_stride] = value;
  }
}


var<workgroup> shared_values: array<vec4f, 956>;


const VECTORS: u32 = 1u;
const EPSILON: f32 = 0.000009999999747378752f;




fn stage(first_channel: u32, channels: u32, batch: u32, writes: bool, local: u32) {
  let first = (batch * shape.staged_channels + first_channel) * VECTORS;
  
  let own = min(channels, max(shape.staged_channels, first_channel) - first_channel);
  for (var e = own * VECTORS + local; e < channels * VECTORS; e += 256u) {
    shared_values[e] = stored[(shape.stored_offset + batch * shape.stored_batch + (first_channel + e / VECTORS) * shape.stored_channel + 0u * shape.stored_time) / 4u + e % VECTORS];
  }
  
  for (var e = local; e < own * VECTORS; e += 256u) {
    var value = vec4f(norm_parameters[first_channel + e / VECTORS].z);
    for (var p = 0u; p < shape.partials; p++) {
      value += x[p * shape.partial_stride + first + e];
    }
    shared_values[e] = value;
    
    
    if (writes) {
      let channel = first_channel + e / VECTORS;
      stored[(shape.stored_offset + batch * shape.stored_batch + channel * shape.stored_channel + 0u * shape.stored_time) / 4u + e % VECTORS] = value;
    }
    
  }
  
  workgroupBarrier();
}


fn add_up(column: u32, count: u32, local: u32, row_group: u32, batch: u32, split: u32) {
  for (var k = local / LANES; k < count * 4u; k += SLICES) {
    let first = k / 4u * INVOCATIONS + local % LANES;
    var sum = shared_values[first][k % 4u];
    for (var s = 1u; s < SLICES; s++) {
      sum += shared_values[first + s * LANES][k % 4u];
    }
    finish(row_group, k % 4u, column + k / 4u, batch, split, sum);
  }
}


@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let lane = local % LANES;
  let slice = local / LANES;
  let row_group = workgroup.x * LANES + lane;
  let block = row_group / BLOCK_LANES;
  let first_chunk = block * shape.block_chunks * BLOCK_LANES + lane % BLOCK_LANES;
  let first = workgroup.y % 1u * COLUMNS;
  let batch = workgroup.z;
  let split = workgroup.y / 1u;
  let first_turn = split * shape.split_turns;
  let end_turn = min(first_turn + shape.split_turns, shape.turns);
  
  let first_channel = first_turn * TURN_CHANNELS;
  stage(first_channel, end_turn * TURN_CHANNELS - first_channel, batch, workgroup.x == 0u && first == 0u, local);
  

  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  for (var n = first_turn + slice; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
    let row0 = (n - first_channel) * 1u;
    let x0_1 = shared_values[row0 + 0u];
    {
      let chunk = load_chunk(base + 0u);
      {
        let w = chunk;
        acc2 += w * x0_1[0];
        acc3 += w * x0_1[1];
      }
    }
    {
      let chunk = load_chunk(base + 8u);
      {
        let w = chunk;
        acc1 += w * x0_1[0];
        acc2 += w * x0_1[1];
        acc3 += w * x0_1[2];
      }
    }
    {
      let chunk = load_chunk(base + 16u);
      {
        let w = chunk;
        acc0 += w * x0_1[0];
        acc1 += w * x0_1[1];
        acc2 += w * x0_1[2];
        acc3 += w * x0_1[3];
      }
    }
    {
      let chunk = load_chunk(base + 24u);
      {
        let w = chunk;
        acc0 += w * x0_1[1];
        acc1 += w * x0_1[2];
        acc2 += w * x0_1[3];
      }
    }
    {
      let chunk = load_chunk(base + 32u);
      {
        let w = chunk;
        acc0 += w * x0_1[2];
        acc1 += w * x0_1[3];
      }
    }
  }

  let end = min(COLUMNS, OUT_LENGTH - first);

  workgroupBarrier();
  shared_values[0u + local] = acc0;
  shared_values[256u + local] = acc1;
  shared_values[512u + local] = acc2;
  workgroupBarrier();
  add_up(first + 0u, min(3u, max(end, 0u) - 0u), local, row_group, batch, split);
  workgroupBarrier();
  shared_values[0u + local] = acc3;
  workgroupBarrier();
  add_up(first + 3u, min(1u, max(end, 3u) - 3u), local, row_group, batch, split);

}
