// conv2d map 3x3 -> 2x2 by 3x3/2 subgroup 8 int8 texture, bias, residual, relu
// bindings: uniform, read, texture, read, read, read, read_write
enable subgroups;
struct Shape {
  in_planes: u32,
  in_height: u32,
  in_width: u32,
  out_planes: u32,
  out_height: u32,
  out_width: u32,
  kernel_size: u32,
  stride: u32,
  padding: u32,
  frames: u32,
  units: u32,
  block_chunks: u32,
  encoder_blocks: u32,
  split_units: u32,
  split_stride: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var weight: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(3) var<storage, read> weight_scale: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

const BLOCK_LANES: u32 = 8u;

fn load_chunk(index: u32) -> vec4u {
  return textureLoad(weight, vec2u(index % 8192u, index / 8192u));
}

fn finish(at: u32, lane: u32, encoder: u32, products: vec4f) {
  var value = products;
  
  let scale = (encoder * shape.encoder_blocks * BLOCK_LANES + lane) * 4u;
  value *= vec4f(weight_scale[scale], weight_scale[scale + 1u], weight_scale[scale + 2u], weight_scale[scale + 3u]);
  
  
  value += bias[encoder * shape.out_planes + lane];
  
  
  value += residual[at];
  
  y[at] = select(value, vec4f(), value < vec4f());
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let encoder = workgroup.z;
  let sample = encoder * shape.frames + workgroup.y;
  let lane = workgroup.x * BLOCK_LANES + local;
  let first = sample * shape.in_planes * 9u;
  let first0 = first + min(member + 0u, 8u);
  let first1 = first + min(member + 8u, 8u);
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();

  var chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  for (var plane = 0u; plane < shape.in_planes; plane++) {
    let v0 = x[first0 + plane * 9u];
    let v1 = x[first1 + plane * 9u];
    {
      let chunk0 = load_chunk(chunk + 0u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc3 = fma(w0, vec4f(subgroupBroadcast(v0.x, 4u)), acc3);
      acc3 = fma(w1, vec4f(subgroupBroadcast(v0.y, 4u)), acc3);
      acc3 = fma(w2, vec4f(subgroupBroadcast(v0.z, 4u)), acc3);
      acc3 = fma(w3, vec4f(subgroupBroadcast(v0.w, 4u)), acc3);
    }
    {
      let chunk0 = load_chunk(chunk + 8u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 3u)), acc2);
      acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 3u)), acc2);
      acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 3u)), acc2);
      acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 3u)), acc2);
      acc3 = fma(w0, vec4f(subgroupBroadcast(v0.x, 5u)), acc3);
      acc3 = fma(w1, vec4f(subgroupBroadcast(v0.y, 5u)), acc3);
      acc3 = fma(w2, vec4f(subgroupBroadcast(v0.z, 5u)), acc3);
      acc3 = fma(w3, vec4f(subgroupBroadcast(v0.w, 5u)), acc3);
    }
    {
      let chunk0 = load_chunk(chunk + 16u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 4u)), acc2);
      acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 4u)), acc2);
      acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 4u)), acc2);
      acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 4u)), acc2);
    }
    {
      let chunk0 = load_chunk(chunk + 24u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 1u)), acc1);
      acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 1u)), acc1);
      acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 1u)), acc1);
      acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 1u)), acc1);
      acc3 = fma(w0, vec4f(subgroupBroadcast(v0.x, 7u)), acc3);
      acc3 = fma(w1, vec4f(subgroupBroadcast(v0.y, 7u)), acc3);
      acc3 = fma(w2, vec4f(subgroupBroadcast(v0.z, 7u)), acc3);
      acc3 = fma(w3, vec4f(subgroupBroadcast(v0.w, 7u)), acc3);
    }
    {
      let chunk0 = load_chunk(chunk + 32u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 0u)), acc0);
      acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 0u)), acc0);
      acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 0u)), acc0);
      acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 0u)), acc0);
      acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 2u)), acc1);
      acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 2u)), acc1);
      acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 2u)), acc1);
      acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 2u)), acc1);
      acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 6u)), acc2);
      acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 6u)), acc2);
      acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 6u)), acc2);
      acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 6u)), acc2);
      acc3 = fma(w0, vec4f(subgroupBroadcast(v1.x, 0u)), acc3);
      acc3 = fma(w1, vec4f(subgroupBroadcast(v1.y, 0u)), acc3);
      acc3 = fma(w2, vec4f(subgroupBroadcast(v1.z, 0u)), acc3);
      acc3 = fma(w3, vec4f(subgroupBroadcast(v1.w, 0u)), acc3);
    }
    {
      let chunk0 = load_chunk(chunk + 40u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 1u)), acc0);
      acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 1u)), acc0);
      acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 1u)), acc0);
      acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 1u)), acc0);
      acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 7u)), acc2);
      acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 7u)), acc2);
      acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 7u)), acc2);
      acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 7u)), acc2);
    }
    {
      let chunk0 = load_chunk(chunk + 48u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 4u)), acc1);
      acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 4u)), acc1);
      acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 4u)), acc1);
      acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 4u)), acc1);
    }
    {
      let chunk0 = load_chunk(chunk + 56u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 3u)), acc0);
      acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 3u)), acc0);
      acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 3u)), acc0);
      acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 3u)), acc0);
      acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 5u)), acc1);
      acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 5u)), acc1);
      acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 5u)), acc1);
      acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 5u)), acc1);
    }
    {
      let chunk0 = load_chunk(chunk + 64u);
      let w0 = vec4f(bitcast<vec4i>(vec4u(chunk0[0]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w1 = vec4f(bitcast<vec4i>(vec4u(chunk0[1]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w2 = vec4f(bitcast<vec4i>(vec4u(chunk0[2]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      let w3 = vec4f(bitcast<vec4i>(vec4u(chunk0[3]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
      acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 4u)), acc0);
      acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 4u)), acc0);
      acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 4u)), acc0);
      acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 4u)), acc0);
    }
    chunk += 72u;
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let at = (sample * shape.out_planes + lane) * 4u;
  for (var k = 0u; k < 4u; k++) {
    finish(at + k, lane, encoder, acc0);
    acc0 = acc1;
    acc1 = acc2;
    acc2 = acc3;
    acc3 = vec4f();
  }
}
