import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The kernel's `shape`: values to sum, blocks, elements between two blocks, first element of the first. */
export function sumBlocksShape(elements: number, blocks: number, stride: number, first: number): number[] {
  return [elements, blocks, stride, first];
}

/**
 * Adds up what blocks left, in ascending order:
 *
 *     sum[i] = sum[i] + Σ_k partial[first + k · stride + i]
 *
 * Bindings: shape · partial f32 · sum f32 [elements]. An invocation owns one value.
 */
export function sumBlocksKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'partial', access: 'read', type: 'array<f32>' },
    { name: 'sum', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['elements', 'blocks', 'stride', 'first'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.elements) {
    return;
  }
  var total = 0.0f;
  for (var k = 0u; k < shape.blocks; k++) {
    total += partial[shape.first + k * shape.stride + id.x];
  }
  sum[id.x] += total;
}
`;
  return { label: 'sum_blocks', code, bindings };
}
