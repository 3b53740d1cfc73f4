import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const COMBINE_WORKGROUP = 64;

/** Most operands of a combination: with the result, the coefficients and the shape they are within the bindings of every device. */
export const MOST_OPERANDS = 4;

/** Sizes, then offset and row of every operand. */
export function combineSizes(operands: number): string[] {
  const own = Array.from({ length: operands }, (_, i) => [`x${i}_offset`, `x${i}_row`]);
  return ['rows', 'places', 'groups', 'y_offset', 'y_row', ...own.flat()];
}

/**
 * A linear combination of rows whose coefficients belong to samples or to single rows: noisy samples, scalings in front of and behind a
 * network, steps of an ODE, and the way back of all of them.
 *
 *     y[n, c] = Σ_i coefficients[n / places, i] · x_i[n, c]
 *
 * Bindings: shape · coefficients f32 [rows / places][operands] · x_0 … vec4f rows · y vec4f rows, each at an offset and a distance of its own. An
 * invocation owns a vec4 of y.
 */
export function combineRowsKernel(operands: number): Kernel {
  const all = Array.from({ length: operands }, (_, i) => i);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'coefficients', access: 'read', type: 'array<f32>' },
    ...all.map((i): KernelBinding => ({ name: `x${i}`, access: 'read', type: 'array<vec4f>' })),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const terms = all.map((i) => `  sum += coefficients[first + ${i}u] * x${i}[shape.x${i}_offset + n * shape.x${i}_row + c];`);
  const code = wgsl`
${declareShape(combineSizes(operands))}
${declareBindings(bindings)}

@compute @workgroup_size(${COMBINE_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(COMBINE_WORKGROUP)};
  let n = e / shape.groups;
  let c = e % shape.groups;
  if (n >= shape.rows) {
    return;
  }
  let first = n / shape.places * ${operands}u;
  var sum = vec4f();
${terms.join('\n')}
  y[shape.y_offset + n * shape.y_row + c] = sum;
}
`;
  return { label: `combine_rows ${operands}`, code, bindings };
}
