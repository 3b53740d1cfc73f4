// conv2d lanes 8 subgroup 8 f32 texture, bias, residual, relu, x residual y in texture
// bindings: uniform, texture, texture, read, texture, texture_write
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
@group(0) @binding(1) var x: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(2) var weight: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var residual: texture_storage_2d<rgba32uint, read>;
@group(0) @binding(5) var y: texture_storage_2d<rgba32uint, write>;

fn load_x(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(x, vec2u(index % 8192u, index / 8192u)));
}

fn load_residual(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(residual, vec2u(index % 8192u, index / 8192u)));
}

fn store_y(index: u32, value: vec4f) {
  textureStore(y, vec2u(index % 8192u, index / 8192u), bitcast<vec4u>(value));
}

const PIXELS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;

fn load_chunk(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(weight, vec2u(index % 8192u, index / 8192u)));
}

fn finish(pixel: u32, lane: u32, encoder: u32, products: vec4f) {
  let out_pixels = shape.out_height * shape.out_width;
  let at = ((encoder * shape.frames + pixel / out_pixels) * shape.out_planes + lane) * out_pixels + pixel % out_pixels;
  var value = products;
  
  
  value += bias[encoder * shape.out_planes + lane];
  
  
  value += load_residual(at);
  
  store_y(at, select(value, vec4f(), value < vec4f()));
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(subgroup_invocation_id) member: u32,
) {
  let encoder = workgroup.z;
  let lane = workgroup.x * BLOCK_LANES + local;
  let first_chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  let in_pixels = shape.in_height * shape.in_width;
  let out_pixels = shape.out_height * shape.out_width;
  let first_pixel = workgroup.y * PIXELS;
  let end_pixel = shape.frames * out_pixels;
  let pixel0 = min(first_pixel + 0u + member, end_pixel - 1u);
  let first0 = (encoder * shape.frames + pixel0 / out_pixels) * shape.in_planes * in_pixels;
  let row0 = i32(pixel0 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column0 = i32(pixel0 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();
  var acc4 = vec4f();
  var acc5 = vec4f();
  var acc6 = vec4f();
  var acc7 = vec4f();

  var chunk = first_chunk;
  for (var ky = 0u; ky < shape.kernel_size; ky++) {
    for (var kx = 0u; kx < shape.kernel_size; kx++) {
      let r0 = row0 + i32(ky);
      let c0 = column0 + i32(kx);
      let inside0 = select(0.0f, 1.0f, u32(r0) < shape.in_height && u32(c0) < shape.in_width);
      let from0 = first0 + select(0u, u32(r0) * shape.in_width + u32(c0), inside0 > 0.0f);
      for (var plane = 0u; plane < shape.in_planes; plane++) {
        let chunk0 = load_chunk(chunk + 0u);
        let chunk1 = load_chunk(chunk + 8u);
        let chunk2 = load_chunk(chunk + 16u);
        let chunk3 = load_chunk(chunk + 24u);
        chunk += 32u;
        let v0 = load_x(from0 + plane * in_pixels) * inside0;
        let w0 = chunk0;
        let w1 = chunk1;
        let w2 = chunk2;
        let w3 = chunk3;
        acc0 = fma(w0, vec4f(subgroupBroadcast(v0.x, 0u)), acc0);
        acc0 = fma(w1, vec4f(subgroupBroadcast(v0.y, 0u)), acc0);
        acc0 = fma(w2, vec4f(subgroupBroadcast(v0.z, 0u)), acc0);
        acc0 = fma(w3, vec4f(subgroupBroadcast(v0.w, 0u)), acc0);
        acc1 = fma(w0, vec4f(subgroupBroadcast(v0.x, 1u)), acc1);
        acc1 = fma(w1, vec4f(subgroupBroadcast(v0.y, 1u)), acc1);
        acc1 = fma(w2, vec4f(subgroupBroadcast(v0.z, 1u)), acc1);
        acc1 = fma(w3, vec4f(subgroupBroadcast(v0.w, 1u)), acc1);
        acc2 = fma(w0, vec4f(subgroupBroadcast(v0.x, 2u)), acc2);
        acc2 = fma(w1, vec4f(subgroupBroadcast(v0.y, 2u)), acc2);
        acc2 = fma(w2, vec4f(subgroupBroadcast(v0.z, 2u)), acc2);
        acc2 = fma(w3, vec4f(subgroupBroadcast(v0.w, 2u)), acc2);
        acc3 = fma(w0, vec4f(subgroupBroadcast(v0.x, 3u)), acc3);
        acc3 = fma(w1, vec4f(subgroupBroadcast(v0.y, 3u)), acc3);
        acc3 = fma(w2, vec4f(subgroupBroadcast(v0.z, 3u)), acc3);
        acc3 = fma(w3, vec4f(subgroupBroadcast(v0.w, 3u)), acc3);
        acc4 = fma(w0, vec4f(subgroupBroadcast(v0.x, 4u)), acc4);
        acc4 = fma(w1, vec4f(subgroupBroadcast(v0.y, 4u)), acc4);
        acc4 = fma(w2, vec4f(subgroupBroadcast(v0.z, 4u)), acc4);
        acc4 = fma(w3, vec4f(subgroupBroadcast(v0.w, 4u)), acc4);
        acc5 = fma(w0, vec4f(subgroupBroadcast(v0.x, 5u)), acc5);
        acc5 = fma(w1, vec4f(subgroupBroadcast(v0.y, 5u)), acc5);
        acc5 = fma(w2, vec4f(subgroupBroadcast(v0.z, 5u)), acc5);
        acc5 = fma(w3, vec4f(subgroupBroadcast(v0.w, 5u)), acc5);
        acc6 = fma(w0, vec4f(subgroupBroadcast(v0.x, 6u)), acc6);
        acc6 = fma(w1, vec4f(subgroupBroadcast(v0.y, 6u)), acc6);
        acc6 = fma(w2, vec4f(subgroupBroadcast(v0.z, 6u)), acc6);
        acc6 = fma(w3, vec4f(subgroupBroadcast(v0.w, 6u)), acc6);
        acc7 = fma(w0, vec4f(subgroupBroadcast(v0.x, 7u)), acc7);
        acc7 = fma(w1, vec4f(subgroupBroadcast(v0.y, 7u)), acc7);
        acc7 = fma(w2, vec4f(subgroupBroadcast(v0.z, 7u)), acc7);
        acc7 = fma(w3, vec4f(subgroupBroadcast(v0.w, 7u)), acc7);
      }
    }
  }

  if (lane >= shape.out_planes) {
    return;
  }
  // One store in a loop, and the sums move on: text for every pixel takes a software driver long to compile.
  let count = min(PIXELS, end_pixel - first_pixel);
  for (var k = 0u; k < count; k++) {
    finish(first_pixel + k, lane, encoder, acc0);
    acc0 = acc1;
    acc1 = acc2;
    acc2 = acc3;
    acc3 = acc4;
    acc4 = acc5;
    acc5 = acc6;
    acc6 = acc7;
    acc7 = vec4f();
  }
}
