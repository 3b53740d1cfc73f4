// load_weights f16 native
// bindings: read, read_write
enable f16;
@group(0) @binding(0) var<storage, read> weight: array<array<vec4<f16>, 2>>;
@group(0) @binding(1) var<storage, read_write> bits: array<vec4u>;

fn load_chunk(index: u32) -> array<vec4<f16>, 2> {
  return weight[index];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let chunk = load_chunk(id.x);
  bits[id.x * 2u + 0u] = bitcast<vec4u>(vec4f(chunk[0]));
  bits[id.x * 2u + 1u] = bitcast<vec4u>(vec4f(chunk[1]));
}
