// conv1d k5 s1 4 -> 4 4c 8x32 f32, group_norm film scale-bias residual, split
// bindings: uniform, read, read, read (dynamic), read, read, read_write, read, read_write

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
@group(0) @binding(3) var<storage, read> timestep_film: array<f32>;
@group(0) @binding(4) var<storage, read> observation_film: array<f32>;
@group(0) @binding(5) var<storage, read> skip: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> stored: array<vec4f>;
@group(0) @binding(7) var<storage, read> weight: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> y: array<f32>;

const OUT_LENGTH: u32 = 4u;
const COLUMNS: u32 = 4u;
const LANES: u32 = 8u;
const SLICES: u32 = 32u;
const INVOCATIONS: u32 = 256u;
const BLOCK_LANES: u32 = 8u;
const TURN_CHUNKS: u32 = 5u;
const TURN_CHANNELS: u32 = 1u;


fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}


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

var<workgroup> scratch: array<f32, 256>;
var<workgroup> scratch_rows: array<f32, 16>;

// In two levels, each in ascending order: invocations 0, 16, 32, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < 16u) {
    var row = scratch[local];
    for (var other = local + 16u; other < 256u; other += 16u) {
      row += scratch[other];
    }
    scratch_rows[local] = row;
  }
  workgroupBarrier();
  var sum = scratch_rows[0];
  sum += scratch_rows[1];
  sum += scratch_rows[2];
  sum += scratch_rows[3];
  sum += scratch_rows[4];
  sum += scratch_rows[5];
  sum += scratch_rows[6];
  sum += scratch_rows[7];
  sum += scratch_rows[8];
  sum += scratch_rows[9];
  sum += scratch_rows[10];
  sum += scratch_rows[11];
  sum += scratch_rows[12];
  sum += scratch_rows[13];
  sum += scratch_rows[14];
  sum += scratch_rows[15];
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}



fn film(batch: u32, value: u32) -> f32 {
  let index = shape.film_offset + value;
  return timestep_film[index] + observation_film[batch * shape.film_row_length + index];
}


fn stage(first_channel: u32, channels: u32, batch: u32, writes: bool, local: u32) {
  let first = (batch * shape.in_channels + first_channel) * VECTORS;
  
  for (var e = local; e < channels * VECTORS; e += 256u) {
    var value = vec4f(norm_parameters[first_channel + e / VECTORS].z);
    for (var p = 0u; p < shape.partials; p++) {
      value += x[p * shape.partial_stride + first + e];
    }
    shared_values[e] = value;
    
    
  }
  
  let group_vectors = shape.norm_channels * VECTORS;
  let elements = f32(group_vectors * 4u);
  for (var group = 0u; group < channels * VECTORS; group += group_vectors) {
    var sum = 0.0f;
    workgroupBarrier();
    for (var e = group + local; e < group + group_vectors; e += 256u) {
      sum += sum_of(shared_values[e]);
    }
    let mean = sum_over_workgroup(sum, local) / elements;
    var squares = 0.0f;
    for (var e = group + local; e < group + group_vectors; e += 256u) {
      let d = shared_values[e] - mean;
      squares += sum_of(d * d);
    }
    let deviation = sqrt(sum_over_workgroup(squares, local) / elements + EPSILON);
    for (var e = group + local; e < group + group_vectors; e += 256u) {
      let channel = first_channel + e / VECTORS;
      let parameters = norm_parameters[channel];
      var value = mish4((shared_values[e] - mean) / deviation * parameters.x + parameters.y);
      
      
      value = value * film(batch, channel) + film(batch, shape.in_channels + channel);
      
      
      value += skip[(shape.skip_offset + batch * shape.skip_batch + channel * shape.skip_channel + 0u * shape.skip_time) / 4u + e % VECTORS];
      
      
      shared_values[e] = value;
      
      if (writes) {
        stored[(shape.stored_offset + batch * shape.stored_batch + channel * shape.stored_channel + 0u * shape.stored_time) / 4u + e % VECTORS] = value;
      }
      
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
