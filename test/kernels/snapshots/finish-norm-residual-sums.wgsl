// finish_norm 4, group_norm, residual sums
// bindings: uniform, read, read, read, read_write, read_write

struct Shape {
  in_channels: u32,
  partials: u32,
  partial_stride: u32,
  norm_channels: u32,
  film_offset: u32,
  film_row_length: u32,
  skip_partials: u32,
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
@group(0) @binding(3) var<storage, read> skip: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> stored: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> probe_residual: array<vec4f>;


fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
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
      
      
      
      var residual = vec4f(parameters.w);
      for (var p = 0u; p < shape.skip_partials; p++) {
        residual += skip[p * shape.partial_stride + first + e];
      }
      value += residual;
      
      
      if (writes) {
        probe_residual[first + e] = residual;
      }
      
      shared_values[e] = value;
      
      if (writes) {
        stored[(shape.stored_offset + batch * shape.stored_batch + channel * shape.stored_channel + 0u * shape.stored_time) / 4u + e % VECTORS] = value;
      }
      
    }
  }
  
  workgroupBarrier();
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  stage(workgroup.x * shape.norm_channels, shape.norm_channels, workgroup.z, true, local);
}
