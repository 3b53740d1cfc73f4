// dropped_rows, film scale-bias
// bindings: uniform, uniform, read, read, read, read_write


struct Shape {
  samples: u32,
  places: u32,
  channels: u32,
  from_offset: u32,
  from_row: u32,
  to_offset: u32,
  to_row: u32,
  kept_offset: u32,
  kept_row: u32,
  film_offset: u32,
  film_row: u32,
  mask_word: u32,
}
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
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> dropout: Dropout;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> film: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

fn kept(element: u32) -> f32 {
  let bit = (mask[shape.mask_word + (element >> 5u)] >> (element & 31u)) & 1u;
  return select(0.0f, dropout.scale, bit == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * 64u + id.x;
  if (e >= shape.samples * shape.channels) {
    return;
  }
  let batch = e / shape.channels;
  let channel = e % shape.channels;
  
  let film_at = batch * shape.film_row + shape.film_offset + channel;
  
  
  let film_scale = film[film_at];
  let film_bias = film[film_at + shape.channels];
  
  for (var t = 0u; t < shape.places; t++) {
    let row = batch * shape.places + t;
    var value = kept(row * shape.channels + channel) * x[shape.from_offset + row * shape.from_row + channel];
    
    value = value * film_scale + film_bias;
    
    y[shape.to_offset + row * shape.to_row + channel] = value;
  }
}
