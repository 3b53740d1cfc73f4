import { MAX_WORKGROUPS } from '../runtime/plan-builder.js';

/** Invocations of a workgroup whose invocations share nothing. */
export const INVOCATIONS = 64;

/** Workgroups for so many invocations side by side, folded into rows where there are more than WebGPU allows in one. */
export function lineOf(invocations: number): [number, number, number] {
  const workgroups = Math.max(1, Math.ceil(invocations / INVOCATIONS));
  const rows = Math.ceil(workgroups / MAX_WORKGROUPS);
  return [Math.ceil(workgroups / rows), rows, 1];
}
