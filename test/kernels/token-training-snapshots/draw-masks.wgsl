// draw_masks
// bindings: uniform, read, read_write

struct Dropout {
  seed_low: u32,
  seed_high: u32,
  step: u32,
  threshold: u32,
  scale: f32,
  drawn: u32,
  unused0: u32,
  unused1: u32,
}
@group(0) @binding(0) var<uniform> dropout: Dropout;
@group(0) @binding(1) var<storage, read> sites: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

// Upper 32 bits of a product of two words.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_high = a >> 16u;
  let a_low = a & 0xffffu;
  let b_high = b >> 16u;
  let b_low = b & 0xffffu;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let carry = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

fn philox(counter: vec4u) -> vec4u {
  var c = counter;
  var key = vec2u(dropout.seed_low, dropout.seed_high);
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ key.x,
      c.z * 0xcd9e8d57u,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ key.y,
      c.x * 0xd2511f53u,
    );
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let site = sites[id.y];
  if (id.x >= site.y || dropout.drawn == 0u) {
    return;
  }
  var word = 0xffffffffu;
  if (dropout.threshold > 0u) {
    word = 0u;
    for (var block = 0u; block < 8u; block++) {
      let drawn = philox(vec4u(id.x * 8u + block, id.y, dropout.step, 1685221232u));
      let bits = select(vec4u(), vec4u(1u, 2u, 4u, 8u), drawn >= vec4u(dropout.threshold));
      word |= (bits.x | bits.y | bits.z | bits.w) << (block * 4u);
    }
  }
  mask[site.x + id.x] = word;
}
