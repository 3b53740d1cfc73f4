import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The kernel's `shape`: values to sum, blocks, elements between two blocks, first element of the first block and of the sum. */
export function sumBlocksShape(elements: number, blocks: number, stride: number, first: number, sumFirst: number): number[] {
  return [elements, blocks, stride, first, sumFirst];
}

/**
 * Adds up what blocks left, in ascending order:
 *
 *     sum[f + i] = sum[f + i] + Σ_k partial[first + k · stride + i]        f = sum_first
 *
 * Bindings: shape · partial f32 · sum f32. An invocation owns one value.
 */
export function sumBlocksKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'partial', access: 'read', type: 'array<f32>' },
    { name: 'sum', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['elements', 'blocks', 'stride', 'first', 'sum_first'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * ${invocations}u + id.x;
  if (e >= shape.elements) {
    return;
  }
  var total = 0.0f;
  for (var k = 0u; k < shape.blocks; k++) {
    total += partial[shape.first + k * shape.stride + e];
  }
  sum[shape.sum_first + e] += total;
}
`;
  return { label: 'sum_blocks', code, bindings };
}
