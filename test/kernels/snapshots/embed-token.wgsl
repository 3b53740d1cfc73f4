// embed_token 16+2x64 f32
// bindings: uniform, read, read, read, read, read_write, read_write

struct Shape {
  width: u32,
  history_offset: u32,
  history_batch: u32,
  history_channel: u32,
  history_time: u32,
  observations_offset: u32,
  observations_batch: u32,
  observations_channel: u32,
  observations_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> history: array<f32>;
@group(0) @binding(2) var<storage, read> observations: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> floats: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> qkv: array<vec4f>;

const INVOCATIONS: u32 = 256u;
const WIDTH: u32 = 16u;
const RESIDUAL: u32 = 0u;
const INPUT: u32 = WIDTH;
const BLOCK_LANES: u32 = 8u;
const TURN: u32 = 32u;

var<workgroup> work: array<vec4f, 80>;
var<workgroup> partial: array<vec4f, 256>;
var<workgroup> scores: array<f32, 72>;

fn load_chunk(index: u32) -> vec4f {
  return weight[index];
}

fn multiply(local: u32, first_chunk: u32, groups: u32, turns: u32, slices: u32) {
  workgroupBarrier();
  for (var task = local; task < groups * slices; task += INVOCATIONS) {
    let group = task % groups;
    let base = first_chunk + (group / BLOCK_LANES) * turns * TURN + group % BLOCK_LANES;
    var sum = vec4f();
    for (var turn = task / groups; turn < turns; turn += slices) {
      let values = work[INPUT + turn];
      let first = base + turn * TURN;
      let chunk0 = load_chunk(first + 0u);
      let chunk1 = load_chunk(first + 8u);
      let chunk2 = load_chunk(first + 16u);
      let chunk3 = load_chunk(first + 24u);
      sum += chunk0 * values[0];
      sum += chunk1 * values[1];
      sum += chunk2 * values[2];
      sum += chunk3 * values[3];
    }
    partial[task] = sum;
  }
  workgroupBarrier();
}

// The same for weights in floats, [channels][groups] from first on, without padding of the input channels.
fn multiply_narrow(local: u32, first: u32, groups: u32, channels: u32, slices: u32) {
  workgroupBarrier();
  for (var task = local; task < groups * slices; task += INVOCATIONS) {
    let group = task % groups;
    var sum = vec4f();
    for (var channel = task / groups; channel < channels; channel += slices) {
      sum += floats[first + channel * groups + group] * work[INPUT + channel / 4u][channel % 4u];
    }
    partial[task] = sum;
  }
  workgroupBarrier();
}

fn partial_sum(group: u32, groups: u32, slices: u32) -> vec4f {
  var sum = partial[group];
  for (var slice = 1u; slice < slices; slice++) {
    sum += partial[slice * groups + group];
  }
  return sum;
}

fn product(group: u32, groups: u32, slices: u32, first_row_group: u32) -> vec4f {
  let row_group = first_row_group + group;
  return partial_sum(group, groups, slices) + floats[row_group];
}

fn sum_of(values: vec4f) -> f32 {
  return (values.x + values.y) + (values.z + values.w);
}

// Every invocation that needs mean and variance adds up the whole token: cheaper than the barriers of a shared reduction.
// The width comes as data, not as WIDTH: lavapipe unrolls these loops otherwise and compiles for half a minute.
fn layer_norm(local: u32, width: u32, gamma: u32, keep: bool) {
  workgroupBarrier();
  var normalized = vec4f();
  if (local < WIDTH) {
    var sums = vec4f();
    for (var group = 0u; group < width; group++) {
      sums += work[RESIDUAL + group];
    }
    let mean = sum_of(sums) / 64.0f;
    var squares = vec4f();
    for (var group = 0u; group < width; group++) {
      let d = work[RESIDUAL + group] - mean;
      squares += d * d;
    }
    let deviation = sqrt(sum_of(squares) / 64.0f + 0.000009999999747378752f);
    normalized = (work[RESIDUAL + local] - mean) / deviation * floats[gamma + local] + floats[gamma + WIDTH + local];
  }
  workgroupBarrier();
  if (local < WIDTH) {
    work[INPUT + local] = normalized;
    if (keep) {
      work[RESIDUAL + local] = normalized;
    }
  }
}


// 0 past the last channel, where work[INPUT …] is padded.
fn value_of(token: u32, batch: u32, channel: u32) -> f32 {
  if (token < 16u) {
    return select(0.0f, history[shape.history_offset + batch * shape.history_batch + min(channel, 1u) * shape.history_channel + token * shape.history_time], channel < 2u);
  }
  let step = token - 16u;
  return select(0.0f, observations[shape.observations_offset + batch * shape.observations_batch + min(channel, 4u) * shape.observations_channel + step * shape.observations_time], channel < 5u);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let batch = workgroup.z;
  let row = batch * 18u + token;
  let is_history = token < 16u;
  let channels = select(5u, 2u, is_history);
  let embedding = select(112u, 80u, is_history);
  for (var group = local; group * 4u < channels; group += INVOCATIONS) {
    let first = group * 4u;
    work[INPUT + group] = vec4f(value_of(token, batch, first + 0u), value_of(token, batch, first + 1u), value_of(token, batch, first + 2u), value_of(token, batch, first + 3u));
  }
  multiply_narrow(local, embedding, WIDTH, channels, 16u);
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let value = partial_sum(group, WIDTH, 16u) + floats[192u + token * WIDTH + group];
    work[RESIDUAL + group] = value;
    y[row * WIDTH + group] = value;
  }
  layer_norm(local, shape.width, 48u, false);
  multiply(local, 0u, 3u * WIDTH, WIDTH, 5u);
  for (var group = local; group < 3u * WIDTH; group += INVOCATIONS) {
    qkv[row * 3u * WIDTH + group] = product(group, 3u * WIDTH, 5u, 0u);
  }
}
