import { wgsl } from './wgsl.js';

/**
 * `reduce_sum(value, local)` and `reduce_max(value, local)`: the sum or maximum of one value per invocation, returned to
 * all of them. Every invocation adds up all values in ascending order: the order is fixed, so results are the same in
 * every run, and two barriers are enough; a tree needs one per level, which software drivers pay dearly for.
 */
export function workgroupReduction(invocations: number, functions: readonly ('sum' | 'max')[]): string {
  const define = (name: string, combine: string): string => wgsl`
fn reduce_${name}(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  var result = scratch[0];
  for (var other = 1u; other < ${invocations}u; other++) {
    result = ${combine};
  }
  return result;
}`;
  return wgsl`
var<workgroup> scratch: array<f32, ${invocations}>;
${functions.includes('sum') ? define('sum', 'result + scratch[other]') : ''}
${functions.includes('max') ? define('max', 'max(result, scratch[other])') : ''}
`;
}
