import { wgsl } from './wgsl.js';

/**
 * `reduce_sum(value, local)` and `reduce_max(value, local)`: the sum or maximum of one value per invocation, returned to
 * all of them. A binary tree over workgroup memory: the order is fixed, so results are the same in every run.
 */
export function workgroupReduction(invocations: number, functions: readonly ('sum' | 'max')[]): string {
  const define = (name: string, combine: string): string => wgsl`
fn reduce_${name}(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  for (var half = ${invocations / 2}u; half > 0u; half /= 2u) {
    if (local < half) {
      scratch[local] = ${combine};
    }
    workgroupBarrier();
  }
  return scratch[0];
}`;
  return wgsl`
var<workgroup> scratch: array<f32, ${invocations}>;
${functions.includes('sum') ? define('sum', 'scratch[local] + scratch[local + half]') : ''}
${functions.includes('max') ? define('max', 'max(scratch[local], scratch[local + half])') : ''}
`;
}
