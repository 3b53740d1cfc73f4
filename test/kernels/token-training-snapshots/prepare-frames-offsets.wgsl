// prepare_frames u8-hwc3, offsets
// bindings: uniform, read, read, read, read_write

struct Shape {
  height: u32,
  width: u32,
  frame_words: u32,
  out_height: u32,
  out_width: u32,
  top: u32,
  left: u32,
  frames_per_camera: u32,
  row_taps: u32,
  column_taps: u32,
  first: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> frames: array<u32>;
@group(0) @binding(2) var<storage, read> statistics: array<vec4f>;
@group(0) @binding(3) var<storage, read> offsets: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

// Red, green and blue of a pixel, 0 … 1.
fn load(first: u32, pixel: u32) -> vec3f {
  let at = first * 4u + pixel * 3u;
  let shift = (at & 3u) * 8u;
  let low = frames[at >> 2u] >> shift;
  // No word past the one that holds the last byte; what it leaves above 24 bits is masked.
  let high = select(frames[(at + 2u) >> 2u] << ((32u - shift) & 31u), 0u, shift == 0u);
  let bits = low | high;
  return vec3f(vec3u(bits, bits >> 8u, bits >> 16u) & vec3u(255u)) / 255.0f;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.out_height * shape.out_width) {
    return;
  }
  let y = id.x / shape.out_width;
  let x = id.x % shape.out_width;
  let first = id.z * shape.frame_words;
  
  let value = load(first, (y + offsets[id.z].x) * shape.width + x + offsets[id.z].y);
  
  let place = shape.first + id.z;
  let camera = place / shape.frames_per_camera * 3u;
  let s = array<vec4f, 3>(statistics[camera], statistics[camera + 1u], statistics[camera + 2u]);
  let normalized = (value - vec3f(s[0].x, s[1].x, s[2].x)) / vec3f(s[0].y, s[1].y, s[2].y) * vec3f(s[0].z, s[1].z, s[2].z)
    + vec3f(s[0].w, s[1].w, s[2].w);
  out[place * shape.out_height * shape.out_width + id.x] = vec4f(normalized, 0.0f);
}
