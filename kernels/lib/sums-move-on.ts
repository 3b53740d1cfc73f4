import { unroll } from './wgsl.js';

/**
 * Sums `acc0` … move on by one, in a loop that stores `acc0`: one store, because text for every sum takes a software driver long to compile.
 */
export function sumsMoveOn(count: number, indent = '    '): string {
  return unroll(count, (i) => `${indent}acc${i} = ${i + 1 < count ? `acc${i + 1}` : 'vec4f()'};`);
}
