// token_layer 64 in 4 heads f32
// bindings: uniform, read, read, read, read, read, read_write, read_write

@group(0) @binding(0) var<uniform> program: array<vec4u, 26>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<vec4f>;
@group(0) @binding(3) var<storage, read> memory: array<vec4f>;
@group(0) @binding(4) var<storage, read> weight: array<vec4f>;
@group(0) @binding(5) var<storage, read> floats: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> next_rows: array<f32>;
const STAGE_ATTENTION: u32 = 0u;
const STAGE_NORM: u32 = 1u;
const STAGE_LINEAR: u32 = 2u;
const TARGET_INPUT: u32 = 0u;
const TARGET_GELU: u32 = 1u;
const TARGET_RESIDUAL: u32 = 2u;
const TARGET_ROWS: u32 = 3u;
const HEADER_VECTORS: u32 = 2u;
const STAGE_VECTORS: u32 = 2u;


fn erfc(z: f32) -> f32 {
  let a = abs(z);
  let t = 1.0f / (1.0f + 0.5f * a);
  let p = -1.26551223f + t * (1.00002368f + t * (0.37409196f + t * (0.09678418f + t * (-0.18628806f
    + t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
  let r = t * exp(p - a * a);
  return select(2.0f - r, r, z >= 0.0f);
}
fn gelu(x: f32) -> f32 {
  return 0.5f * x * erfc(x * -0.70710678f);
}
fn gelu4(x: vec4f) -> vec4f {
  return vec4f(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w));
}

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


fn row_of_keys(is_memory: bool, index: u32) -> vec4f {
  if (is_memory) {
    return memory[index];
  }
  return rows[index];
}

fn attend(local: u32, batch: u32, is_memory: bool, keys: u32, row_width: u32, first_key: u32, first_value: u32) {
  let heads = program[0].w;
  let head_width = program[1].y;
  workgroupBarrier();
  for (var task = local; task < heads * keys; task += INVOCATIONS) {
    let first = task / keys * head_width;
    let row = (batch * keys + task % keys) * row_width + first_key;
    var sums = vec4f();
    for (var c = first; c < first + head_width; c++) {
      sums += work[INPUT + c] * row_of_keys(is_memory, row + c);
    }
    scores[task] = sum_of(sums) * 0.25f;
  }
  workgroupBarrier();
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let head = group / head_width * keys;
    // Subtracting the maximum keeps every exponential at most 1.
    var highest = scores[head];
    for (var key = 1u; key < keys; key++) {
      highest = max(highest, scores[head + key]);
    }
    var total = 0.0f;
    var mixed = vec4f();
    for (var key = 0u; key < keys; key++) {
      let share = exp(scores[head + key] - highest);
      total += share;
      mixed += share * row_of_keys(is_memory, (batch * keys + key) * row_width + first_value + group);
    }
    work[INPUT + group] = mixed / total;
  }
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let batch = workgroup.z;
  let row = batch * program[0].x + workgroup.x;
  let x_row = batch * program[0].y + workgroup.x;
  let out_channels = program[0].z;
  let query_width = program[1].z;
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let value = x[x_row * WIDTH + group];
    work[RESIDUAL + group] = value;
    if (query_width > 0u) {
      work[INPUT + group] = rows[x_row * query_width + group];
    } else {
      work[INPUT + group] = value;
    }
  }
  for (var s = 0u; s < program[1].w; s++) {
    let stage0 = program[HEADER_VECTORS + STAGE_VECTORS * s + 0u];
    let stage1 = program[HEADER_VECTORS + STAGE_VECTORS * s + 1u];
    let stage_kind = stage0.x;
    if (stage_kind == STAGE_ATTENTION) {
      let attention_memory = stage0.y == 1u;
      let attention_keys = stage0.z;
      let attention_row_width = stage0.w;
      let attention_first_key = stage1.x;
      let attention_first_value = stage1.y;
      attend(
        local, batch, attention_memory, attention_keys,
        attention_row_width, attention_first_key, attention_first_value,
      );
      continue;
    }
    if (stage_kind == STAGE_NORM) {
      let norm_keep = stage0.y == 1u;
      let norm_gamma = stage0.z;
      layer_norm(local, program[1].x, norm_gamma, norm_keep);
      continue;
    }
    let linear_narrow = stage0.y == 1u;
    let linear_target = stage0.z;
    let linear_first = stage0.w;
    let linear_groups = stage1.x;
    let linear_in_channels = stage1.y;
    let linear_slices = stage1.z;
    let linear_first_row_group = stage1.w;
    let groups = linear_groups;
    let slices = linear_slices;
    if (linear_narrow) {
      multiply_narrow(local, linear_first, groups, linear_in_channels, slices);
    } else {
      multiply(local, linear_first, groups, linear_in_channels / 4u, slices);
    }
    for (var group = local; group < groups; group += INVOCATIONS) {
      var value: vec4f;
      if (linear_narrow) {
        value = partial_sum(group, groups, slices) + floats[linear_first + linear_in_channels * groups + group];
      } else {
        value = product(group, groups, slices, linear_first_row_group);
      }
      switch (linear_target) {
        case TARGET_INPUT: {
          work[INPUT + group] = value;
        }
        case TARGET_GELU: {
          work[INPUT + group] = gelu4(value);
        }
        case TARGET_RESIDUAL: {
          value += work[RESIDUAL + group];
          work[RESIDUAL + group] = value;
          work[INPUT + group] = value;
        }
        case TARGET_ROWS, default: {
          for (var i = 0u; i < min(4u, out_channels - group * 4u); i++) {
            next_rows[row * out_channels + group * 4u + i] = value[i];
          }
        }
      }
    }
  }
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    y[row * WIDTH + group] = work[RESIDUAL + group];
  }
}
