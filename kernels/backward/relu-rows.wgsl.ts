import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * ReLU of whole rows, y = max(x, 0) with NaN staying NaN, or (`backwards`) its gradient dx = dy · [y > 0]. Bindings: shape (elements) ·
 * x f32 · y f32, or shape · y · dy · dx. An invocation owns an element.
 */
export function reluRowsKernel(backwards: boolean, invocations: number): Kernel {
  const names = backwards ? ['y', 'dy', 'dx'] : ['x', 'y'];
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ...names.map(
      (name, index): KernelBinding => ({ name, access: index === names.length - 1 ? 'read_write' : 'read', type: 'array<f32>' }),
    ),
  ];
  const code = wgsl`
${declareShape(['elements'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = id.y * count.x * ${invocations}u + id.x;
  if (e >= shape.elements) {
    return;
  }
  ${backwards ? 'dx[e] = select(0.0f, dy[e], y[e] > 0.0f);' : 'y[e] = select(x[e], 0.0f, x[e] < 0.0f);'}
}
`;
  return { label: `relu_rows ${backwards ? 'backwards' : 'forwards'}`, code, bindings };
}
