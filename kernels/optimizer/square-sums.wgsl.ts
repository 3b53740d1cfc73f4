import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** vec4s that an invocation adds up, and invocations of a workgroup. */
const SQUARE_BLOCK = 512;
export const SQUARE_WORKGROUP = 64;

export const SQUARE_SUMS_SIZES = ['vectors', 'first_sum'] as const;

/**
 * The first level of the sum of all squared gradients:
 *
 *     sums[first + j] = Σ over block j of g²
 *
 * A block is ${SQUARE_BLOCK} vec4s of an arena, every `stride`-th one, so that neighbours read neighbours; an invocation owns a block. What pads
 * the arena is 0. Bindings: shape · gradient vec4f · sums f32.
 */
export function squareSumsKernel(): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'shape', access: 'uniform', type: 'Shape' },
    { name: 'gradient', access: 'read', type: 'array<vec4f>' },
    { name: 'sums', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
struct Shape {
${SQUARE_SUMS_SIZES.map((name) => `  ${name}: u32,`).join('\n')}
}
${declareBindings(bindings)}

@compute @workgroup_size(${SQUARE_WORKGROUP})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let start = workgroup.x * ${SQUARE_WORKGROUP * SQUARE_BLOCK}u + local;
  let end = min((workgroup.x + 1u) * ${SQUARE_WORKGROUP * SQUARE_BLOCK}u, shape.vectors);
  var sum = vec4f();
  for (var i = start; i < end; i += ${SQUARE_WORKGROUP}u) {
    let g = gradient[i];
    sum += g * g;
  }
  sums[shape.first_sum + workgroup.x * ${SQUARE_WORKGROUP}u + local] = (sum.x + sum.y) + (sum.z + sum.w);
}
`;
  return { label: 'square_sums', code, bindings };
}

/** Workgroups, and sums, for an arena of so many vec4s. */
export function squareWorkgroups(vectors: number): number {
  return Math.ceil(vectors / (SQUARE_WORKGROUP * SQUARE_BLOCK));
}
