// attention up to 32 keys
// bindings: uniform, read, read, read_write

struct Shape {
  keys: u32,
  head_dim: u32,
  q_offset: u32,
  q_batch: u32,
  q_channel: u32,
  q_time: u32,
  k_offset: u32,
  k_batch: u32,
  k_channel: u32,
  k_time: u32,
  v_offset: u32,
  v_batch: u32,
  v_channel: u32,
  v_time: u32,
  y_offset: u32,
  y_batch: u32,
  y_channel: u32,
  y_time: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> memory: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const INVOCATIONS: u32 = 8u;
const LOWEST: f32 = -3.0e38f;


var<workgroup> scratch: array<f32, 8>;

fn reduce_sum(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 8u; other++) {
    result = result + scratch[other];
  }
  return result;
}

fn reduce_max(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < 8u; other++) {
    result = max(result, scratch[other]);
  }
  return result;
}

var<workgroup> weights: array<f32, 32>;

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let first = workgroup.y * shape.head_dim;
  let batch = workgroup.z;
  let scale = 1.0f / sqrt(f32(shape.head_dim));

  var highest = LOWEST;
  for (var j = local; j < shape.keys; j += INVOCATIONS) {
    var dot_product = 0.0f;
    for (var d = 0u; d < shape.head_dim; d++) {
      let c = first + d;
      dot_product += queries[shape.q_offset + batch * shape.q_batch + c * shape.q_channel + token * shape.q_time] * memory[shape.k_offset + batch * shape.k_batch + c * shape.k_channel + j * shape.k_time];
    }
    weights[j] = dot_product * scale;
    highest = max(highest, weights[j]);
  }
  // Subtracting the maximum keeps every exponential at most 1.
  highest = reduce_max(highest, local);

  var sum = 0.0f;
  for (var j = local; j < shape.keys; j += INVOCATIONS) {
    weights[j] = exp(weights[j] - highest);
    sum += weights[j];
  }
  // The barriers of this reduction also publish the weights to the whole workgroup.
  let total = reduce_sum(sum, local);

  for (var d = local; d < shape.head_dim; d += INVOCATIONS) {
    let c = first + d;
    var value = 0.0f;
    for (var j = 0u; j < shape.keys; j++) {
      value += weights[j] * memory[shape.v_offset + batch * shape.v_batch + c * shape.v_channel + j * shape.v_time];
    }
    y[shape.y_offset + batch * shape.y_batch + c * shape.y_channel + token * shape.y_time] = value / total;
  }
}
