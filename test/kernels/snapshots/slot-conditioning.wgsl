// slot_conditioning
// bindings: uniform, read, read, read_write, read_write

struct Shape {
  elements: u32,
  slots: u32,
  embedding_width: u32,
  observation_width: u32,
}
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> embeddings: array<f32>;
@group(0) @binding(2) var<storage, read> observation: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> activated: array<f32>;

fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
fn mish4(x: vec4f) -> vec4f {
  return vec4f(mish(x.x), mish(x.y), mish(x.z), mish(x.w));
}


@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.elements) {
    return;
  }
  let width = shape.embedding_width + shape.observation_width;
  let channel = id.x % width;
  let row = id.x / width;
  var value: f32;
  if (channel < shape.embedding_width) {
    value = embeddings[(row % shape.slots) * shape.embedding_width + channel];
  } else {
    value = observation[(row / shape.slots) * shape.observation_width + channel - shape.embedding_width];
  }
  y[id.x] = value;
  activated[id.x] = mish(value);
}
