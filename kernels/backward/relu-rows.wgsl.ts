import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** y of x, and its slope as a function of y, which the backward pass has. */
const FUNCTIONS = {
  relu: { value: 'select(x[e], 0.0f, x[e] < 0.0f)', gradient: 'select(0.0f, dy[e], y[e] > 0.0f)' },
  // eˣ = y + 1 below 0.
  elu: { value: 'select(x[e], exp(min(x[e], 0.0f)) - 1.0f, x[e] < 0.0f)', gradient: 'dy[e] * select(1.0f, y[e] + 1.0f, y[e] < 0.0f)' },
} as const;
export type RowActivation = keyof typeof FUNCTIONS;

/**
 * ReLU of whole rows, y = max(x, 0), or ELU, y = x above 0 and eˣ − 1 below; NaN stays NaN. Or (`backwards`) its gradient: dx = dy · [y > 0],
 * or dx = dy · (y < 0 ? y + 1 : 1). Bindings: shape (elements) · x f32 · y f32, or shape · y · dy · dx. An invocation owns an element.
 */
export function reluRowsKernel(backwards: boolean, invocations: number, activation: RowActivation = 'relu'): Kernel {
  const names = backwards ? ['y', 'dy', 'dx'] : ['x', 'y'];
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ...names.map(
      (name, index): KernelBinding => ({ name, access: index === names.length - 1 ? 'read_write' : 'read', type: 'array<f32>' }),
    ),
  ];
  const { value, gradient } = FUNCTIONS[activation];
  const code = wgsl`
${declareShape(['elements'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  if (e >= shape.elements) {
    return;
  }
  ${backwards ? `dx[e] = ${gradient};` : `y[e] = ${value};`}
}
`;
  return { label: `${activation}_rows ${backwards ? 'backwards' : 'forwards'}`, code, bindings };
}
