import { DROPOUT_BINDING, declareDropout } from '../lib/dropout.wgsl.js';
import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The last word of the counter of dropout: its numbers are no other stream's of the same seed. */
export const DROPOUT_STREAM = 0x64726f70;

/**
 * Draws the dropout masks of all sites by Philox4x32-10 (`src/diffusion/philox.ts`):
 *
 *     kept[site, e] = word (e mod 4) of Philox((⌊e / 4⌋, site, step, DROPOUT_STREAM), (seed_low, seed_high)) ≥ threshold
 *
 * Bindings: dropout · sites vec2u [site]: first word and number of words of its mask · mask u32. Workgroup row y is a site; an
 * invocation owns one word, that is, 32 elements. Bits past the last element of a
 * site are drawn like the others. Nothing is written where the host wrote the masks.
 */
export function drawMasksKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    DROPOUT_BINDING,
    { name: 'sites', access: 'read', type: 'array<vec2u>' },
    { name: 'mask', access: 'read_write', type: 'array<u32>' },
  ];
  const code = wgsl`
${declareDropout}
${declareBindings(bindings)}

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

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let site = sites[id.y];
  if (id.x >= site.y || dropout.drawn == 0u) {
    return;
  }
  var word = 0xffffffffu;
  if (dropout.threshold > 0u) {
    word = 0u;
    for (var block = 0u; block < 8u; block++) {
      let drawn = philox(vec4u(id.x * 8u + block, id.y, dropout.step, ${DROPOUT_STREAM}u));
      let bits = select(vec4u(), vec4u(1u, 2u, 4u, 8u), drawn >= vec4u(dropout.threshold));
      word |= (bits.x | bits.y | bits.z | bits.w) << (block * 4u);
    }
  }
  mask[site.x + id.x] = word;
}
`;
  return { label: 'draw_masks', code, bindings };
}
