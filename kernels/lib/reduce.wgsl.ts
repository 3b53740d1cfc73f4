import { unroll, wgsl } from './wgsl.js';

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

/** Rows that `twoLevelSum` adds up in its first level. */
export function sumRows(invocations: number): number {
  return Math.min(16, invocations);
}

/**
 * `sum_over_workgroup(value, local)`: the sum of one value per invocation, returned to all of them, for large workgroups: in
 * two levels instead of one. `sum_of(v)`: of a vector. Need `scratch`, a f32 per invocation, and `scratch_rows`, one per row
 * (`sumRows`). `bound`: the number of invocations as WGSL has it.
 */
export function twoLevelSum(invocations: number, bound: string): string {
  const width = sumRows(invocations);
  return wgsl`// In two levels, each in ascending order: invocations 0, ${width}, ${2 * width}, … first.
fn sum_over_workgroup(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratch[local] = value;
  workgroupBarrier();
  if (local < ${width}u) {
    var row = scratch[local];
    for (var other = local + ${width}u; other < ${bound}; other += ${width}u) {
      row += scratch[other];
    }
    scratch_rows[local] = row;
  }
  workgroupBarrier();
  var sum = scratch_rows[0];
${unroll(width - 1, (row) => `  sum += scratch_rows[${row + 1}];`)}
  return sum;
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}`;
}
