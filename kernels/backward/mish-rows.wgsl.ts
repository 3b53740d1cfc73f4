import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { mishGradient } from '../lib/mish-gradient.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Elements, and invocations, of a workgroup. */
export const MISH_WORKGROUP = 64;

export const MISH_ROWS_SIZES = [
  'rows',
  'first_width',
  'second_width',
  'first_offset',
  'first_row',
  'second_offset',
  'second_row',
  'both_row',
] as const;

/**
 * Mish of rows, or (`pair`) of two values side by side: the step embedding and the conditioning vector, which every FiLM projection
 * reads.
 *
 *     both[n, j] = mish( j < W₁ ? first[n, j] : second[n, j − W₁] )       0 past W₁ + W₂
 *
 * Bindings: shape · first, second, both f32 rows. An invocation owns an element of `both`.
 */
export function mishForwardKernel(pair: boolean): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'first', access: 'read', type: 'array<f32>' },
    ...(pair ? [{ name: 'second', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'both', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(MISH_ROWS_SIZES)}
${declareBindings(bindings)}
${activationFunctions('mish')}

@compute @workgroup_size(${MISH_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(MISH_WORKGROUP)};
  if (e >= shape.rows * shape.both_row) {
    return;
  }
  let n = e / shape.both_row;
  let j = e % shape.both_row;
  var value = 0.0f;
  if (j < shape.first_width) {
    value = mish(first[shape.first_offset + n * shape.first_row + j]);
  }
  #if ${pair}
  if (j >= shape.first_width && j < shape.first_width + shape.second_width) {
    value = mish(second[shape.second_offset + n * shape.second_row + j - shape.first_width]);
  }
  #endif
  both[e] = value;
}
`;
  return { label: pair ? 'mish_forward pair' : 'mish_forward', code, bindings };
}

/**
 * Its backward pass:
 *
 *     dfirst[n, j] = dboth[n, j] · mish'(first[n, j])        dsecond[n, j] = dboth[n, W₁ + j] · mish'(second[n, j])
 *
 * Bindings: shape · first, second, dboth, dfirst, dsecond f32 rows. What pads a row stays 0. An invocation owns an element of `dboth`.
 */
export function mishBackwardKernel(pair: boolean): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'first', access: 'read', type: 'array<f32>' },
    ...(pair ? [{ name: 'second', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'dboth', access: 'read', type: 'array<f32>' },
    { name: 'dfirst', access: 'read_write', type: 'array<f32>' },
    ...(pair ? [{ name: 'dsecond', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
  const code = wgsl`
${declareShape(MISH_ROWS_SIZES)}
${declareBindings(bindings)}
${mishGradient}

@compute @workgroup_size(${MISH_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(MISH_WORKGROUP)};
  if (e >= shape.rows * shape.both_row) {
    return;
  }
  let n = e / shape.both_row;
  let j = e % shape.both_row;
  if (j < shape.first_width) {
    let at = n * shape.first_row + j;
    dfirst[at] = dboth[e] * mish_gradient(first[shape.first_offset + at]);
  }
  #if ${pair}
  if (j >= shape.first_width && j < shape.first_width + shape.second_width) {
    let at = n * shape.second_row + j - shape.first_width;
    dsecond[at] = dboth[e] * mish_gradient(second[shape.second_offset + at]);
  }
  #endif
}
`;
  return { label: pair ? 'mish_backward pair' : 'mish_backward', code, bindings };
}
