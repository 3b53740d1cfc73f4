import type { KernelBinding } from './kernel.js';
import { wgsl } from './wgsl.js';

/**
 * Weights that are trained, as the products of both passes read them: f32, or halves, rounded copies that the optimiser writes beside the f32
 * that it keeps. Two halves lie in a word, so that no device needs `shader-f16`; what is multiplied and added is f32.
 */
export interface TrainedReads {
  readonly binding: KernelBinding;
  /** Text to declare, and the vec4f at an index of four weights. */
  readonly functions: string;
  readonly at: (index: string) => string;
}

/** Reads of the binding `weight`. */
export function trainedReads(halves: boolean): TrainedReads {
  if (!halves) {
    return { binding: { name: 'weight', access: 'read', type: 'array<vec4f>' }, functions: '', at: (index) => `weight[${index}]` };
  }
  return {
    binding: { name: 'weight', access: 'read', type: 'array<vec2u>' },
    functions: wgsl`
fn read_weight(index: u32) -> vec4f {
  let words = weight[index];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`,
    at: (index) => `read_weight(${index})`,
  };
}

/**
 * half_bits: the nearest half, ties to even, as src/foundation/half.ts has it; from 65520 on infinity, NaN stays NaN. Written out because
 * WGSL leaves the rounding of pack2x16float open, and its result for what is out of range.
 */
export const halfBits = wgsl`
fn half_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  // Adding 0.5 leaves an f32 whose last bit is worth 2^-24, the spacing of subnormal halves.
  let subnormal = bitcast<u32>(bitcast<f32>(min(magnitude, 0x38800000u)) + 0.5f) - 0x3f000000u;
  let normal = (max(magnitude, 0x38800000u) - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u;
  var code = select(normal, subnormal, magnitude < 0x38800000u);
  code = select(code, 0x7c00u, magnitude >= 0x477ff000u);
  code = select(code, 0x7e00u, magnitude > 0x7f800000u);
  return ((bits >> 16u) & 0x8000u) | code;
}

fn half_pair(first: f32, second: f32) -> u32 {
  return half_bits(first) | (half_bits(second) << 16u);
}`;
