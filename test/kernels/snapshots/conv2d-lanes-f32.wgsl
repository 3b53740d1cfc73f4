// conv2d lanes 8 f32, bias, residual, relu
// bindings: uniform, read, read, read, read, read_write

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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

const PIXELS: u32 = 8u;
const BLOCK_LANES: u32 = 8u;

fn load_chunk(index: u32) -> vec4f {
  return weight[index];
}

fn finish(pixel: u32, lane: u32, encoder: u32, products: vec4f) {
  let out_pixels = shape.out_height * shape.out_width;
  let at = ((encoder * shape.frames + pixel / out_pixels) * shape.out_planes + lane) * out_pixels + pixel % out_pixels;
  var value = products;
  
  
  value += bias[encoder * shape.out_planes + lane];
  
  
  value += residual[at];
  
  y[at] = select(value, vec4f(), value < vec4f());
}

@compute @workgroup_size(8)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,

) {
  let encoder = workgroup.z;
  let lane = workgroup.x * BLOCK_LANES + local;
  let first_chunk = (encoder * shape.encoder_blocks + workgroup.x) * shape.block_chunks * BLOCK_LANES + local;
  let in_pixels = shape.in_height * shape.in_width;
  let out_pixels = shape.out_height * shape.out_width;
  let first_pixel = workgroup.y * PIXELS;
  let end_pixel = shape.frames * out_pixels;
  let pixel0 = min(first_pixel + 0u, end_pixel - 1u);
  let first0 = (encoder * shape.frames + pixel0 / out_pixels) * shape.in_planes * in_pixels;
  let row0 = i32(pixel0 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column0 = i32(pixel0 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel1 = min(first_pixel + 1u, end_pixel - 1u);
  let first1 = (encoder * shape.frames + pixel1 / out_pixels) * shape.in_planes * in_pixels;
  let row1 = i32(pixel1 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column1 = i32(pixel1 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel2 = min(first_pixel + 2u, end_pixel - 1u);
  let first2 = (encoder * shape.frames + pixel2 / out_pixels) * shape.in_planes * in_pixels;
  let row2 = i32(pixel2 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column2 = i32(pixel2 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel3 = min(first_pixel + 3u, end_pixel - 1u);
  let first3 = (encoder * shape.frames + pixel3 / out_pixels) * shape.in_planes * in_pixels;
  let row3 = i32(pixel3 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column3 = i32(pixel3 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel4 = min(first_pixel + 4u, end_pixel - 1u);
  let first4 = (encoder * shape.frames + pixel4 / out_pixels) * shape.in_planes * in_pixels;
  let row4 = i32(pixel4 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column4 = i32(pixel4 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel5 = min(first_pixel + 5u, end_pixel - 1u);
  let first5 = (encoder * shape.frames + pixel5 / out_pixels) * shape.in_planes * in_pixels;
  let row5 = i32(pixel5 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column5 = i32(pixel5 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel6 = min(first_pixel + 6u, end_pixel - 1u);
  let first6 = (encoder * shape.frames + pixel6 / out_pixels) * shape.in_planes * in_pixels;
  let row6 = i32(pixel6 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column6 = i32(pixel6 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
  let pixel7 = min(first_pixel + 7u, end_pixel - 1u);
  let first7 = (encoder * shape.frames + pixel7 / out_pixels) * shape.in_planes * in_pixels;
  let row7 = i32(pixel7 % out_pixels / shape.out_width * shape.stride) - i32(shape.padding);
  let column7 = i32(pixel7 % out_pixels % shape.out_width * shape.stride) - i32(shape.padding);
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
      let r1 = row1 + i32(ky);
      let c1 = column1 + i32(kx);
      let inside1 = select(0.0f, 1.0f, u32(r1) < shape.in_height && u32(c1) < shape.in_width);
      let from1 = first1 + select(0u, u32(r1) * shape.in_width + u32(c1), inside1 > 0.0f);
      let r2 = row2 + i32(ky);
      let c2 = column2 + i32(kx);
      let inside2 = select(0.0f, 1.0f, u32(r2) < shape.in_height && u32(c2) < shape.in_width);
      let from2 = first2 + select(0u, u32(r2) * shape.in_width + u32(c2), inside2 > 0.0f);
      let r3 = row3 + i32(ky);
      let c3 = column3 + i32(kx);
      let inside3 = select(0.0f, 1.0f, u32(r3) < shape.in_height && u32(c3) < shape.in_width);
      let from3 = first3 + select(0u, u32(r3) * shape.in_width + u32(c3), inside3 > 0.0f);
      let r4 = row4 + i32(ky);
      let c4 = column4 + i32(kx);
      let inside4 = select(0.0f, 1.0f, u32(r4) < shape.in_height && u32(c4) < shape.in_width);
      let from4 = first4 + select(0u, u32(r4) * shape.in_width + u32(c4), inside4 > 0.0f);
      let r5 = row5 + i32(ky);
      let c5 = column5 + i32(kx);
      let inside5 = select(0.0f, 1.0f, u32(r5) < shape.in_height && u32(c5) < shape.in_width);
      let from5 = first5 + select(0u, u32(r5) * shape.in_width + u32(c5), inside5 > 0.0f);
      let r6 = row6 + i32(ky);
      let c6 = column6 + i32(kx);
      let inside6 = select(0.0f, 1.0f, u32(r6) < shape.in_height && u32(c6) < shape.in_width);
      let from6 = first6 + select(0u, u32(r6) * shape.in_width + u32(c6), inside6 > 0.0f);
      let r7 = row7 + i32(ky);
      let c7 = column7 + i32(kx);
      let inside7 = select(0.0f, 1.0f, u32(r7) < shape.in_height && u32(c7) < shape.in_width);
      let from7 = first7 + select(0u, u32(r7) * shape.in_width + u32(c7), inside7 > 0.0f);
      for (var plane = 0u; plane < shape.in_planes; plane++) {
        let chunk0 = load_chunk(chunk + 0u);
        let chunk1 = load_chunk(chunk + 8u);
        let chunk2 = load_chunk(chunk + 16u);
        let chunk3 = load_chunk(chunk + 24u);
        chunk += 32u;
        let v0 = x[from0 + plane * in_pixels] * inside0;
        let v1 = x[from1 + plane * in_pixels] * inside1;
        let v2 = x[from2 + plane * in_pixels] * inside2;
        let v3 = x[from3 + plane * in_pixels] * inside3;
        let v4 = x[from4 + plane * in_pixels] * inside4;
        let v5 = x[from5 + plane * in_pixels] * inside5;
        let v6 = x[from6 + plane * in_pixels] * inside6;
        let v7 = x[from7 + plane * in_pixels] * inside7;
        let w0 = chunk0;
        let w1 = chunk1;
        let w2 = chunk2;
        let w3 = chunk3;
        acc0 = fma(w0, vec4f(v0.x), acc0);
        acc0 = fma(w1, vec4f(v0.y), acc0);
        acc0 = fma(w2, vec4f(v0.z), acc0);
        acc0 = fma(w3, vec4f(v0.w), acc0);
        acc1 = fma(w0, vec4f(v1.x), acc1);
        acc1 = fma(w1, vec4f(v1.y), acc1);
        acc1 = fma(w2, vec4f(v1.z), acc1);
        acc1 = fma(w3, vec4f(v1.w), acc1);
        acc2 = fma(w0, vec4f(v2.x), acc2);
        acc2 = fma(w1, vec4f(v2.y), acc2);
        acc2 = fma(w2, vec4f(v2.z), acc2);
        acc2 = fma(w3, vec4f(v2.w), acc2);
        acc3 = fma(w0, vec4f(v3.x), acc3);
        acc3 = fma(w1, vec4f(v3.y), acc3);
        acc3 = fma(w2, vec4f(v3.z), acc3);
        acc3 = fma(w3, vec4f(v3.w), acc3);
        acc4 = fma(w0, vec4f(v4.x), acc4);
        acc4 = fma(w1, vec4f(v4.y), acc4);
        acc4 = fma(w2, vec4f(v4.z), acc4);
        acc4 = fma(w3, vec4f(v4.w), acc4);
        acc5 = fma(w0, vec4f(v5.x), acc5);
        acc5 = fma(w1, vec4f(v5.y), acc5);
        acc5 = fma(w2, vec4f(v5.z), acc5);
        acc5 = fma(w3, vec4f(v5.w), acc5);
        acc6 = fma(w0, vec4f(v6.x), acc6);
        acc6 = fma(w1, vec4f(v6.y), acc6);
        acc6 = fma(w2, vec4f(v6.z), acc6);
        acc6 = fma(w3, vec4f(v6.w), acc6);
        acc7 = fma(w0, vec4f(v7.x), acc7);
        acc7 = fma(w1, vec4f(v7.y), acc7);
        acc7 = fma(w2, vec4f(v7.z), acc7);
        acc7 = fma(w3, vec4f(v7.w), acc7);
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
