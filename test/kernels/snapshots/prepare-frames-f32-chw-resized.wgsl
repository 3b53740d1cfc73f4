// prepare_frames f32-chw, resized
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
@group(0) @binding(3) var<storage, read> tables: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

// Red, green and blue of a pixel, 0 … 1.
fn load(first: u32, pixel: u32) -> vec3f {
  let plane = shape.height * shape.width;
  let at = first + pixel;
  return bitcast<vec3f>(vec3u(frames[at], frames[at + plane], frames[at + 2u * plane]));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.out_height * shape.out_width) {
    return;
  }
  let y = id.x / shape.out_width;
  let x = id.x % shape.out_width;
  let first = id.z * shape.frame_words;
  
  let row = y * (1u + shape.row_taps);
  let column = shape.out_height * (1u + shape.row_taps) + x * (1u + shape.column_taps);
  let first_row = u32(tables[row]);
  let first_column = u32(tables[column]);
  var value = vec3f();
  for (var j = 0u; j < shape.row_taps; j++) {
    // Weights past the last one are zeros; their pixels must be in bounds.
    let source = first_row + j;
    let begin = min(source, shape.height - 1u) * shape.width;
    var sum = vec3f();
    for (var i = 0u; i < shape.column_taps; i++) {
      sum += tables[column + 1u + i] * load(first, begin + min(first_column + i, shape.width - 1u));
    }
    value += tables[row + 1u + j] * sum;
  }
  
  let place = shape.first + id.z;
  let camera = place / shape.frames_per_camera * 3u;
  let s = array<vec4f, 3>(statistics[camera], statistics[camera + 1u], statistics[camera + 2u]);
  let normalized = (value - vec3f(s[0].x, s[1].x, s[2].x)) / vec3f(s[0].y, s[1].y, s[2].y) * vec3f(s[0].z, s[1].z, s[2].z)
    + vec3f(s[0].w, s[1].w, s[2].w);
  out[place * shape.out_height * shape.out_width + id.x] = vec4f(normalized, 0.0f);
}
