// finish_norm 4, sums
// bindings: uniform, read, read, read_write

struct Shape {
  in_channels: u32,
  partials: u32,
  partial_stride: u32,
  norm_channels: u32,
  film_offset: u32,
  film_row_length: u32,
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



var<workgroup> shared_values: array<vec4f, 956>;

const VECTORS: u32 = 1u;
const EPSILON: f32 = 0.000009999999747378752f;




fn stage(first_channel: u32, channels: u32, batch: u32, writes: bool, local: u32) {
  let first = (batch * shape.in_channels + first_channel) * VECTORS;
  
  for (var e = local; e < channels * VECTORS; e += 256u) {
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

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  stage(workgroup.x * shape.norm_channels, shape.norm_channels, workgroup.z, true, local);
}
