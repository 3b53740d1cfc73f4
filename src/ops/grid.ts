import { ownerWorkgroups } from '../../kernels/lib/owners.wgsl.js';
import { MAX_WORKGROUPS } from '../runtime/plan-builder.js';

/** Invocations of a workgroup whose invocations share nothing. */
export const INVOCATIONS = 64;

/** Workgroups for so many invocations side by side, folded into rows where there are more than WebGPU allows in one. */
export function lineOf(invocations: number, workgroupSize = INVOCATIONS): [number, number, number] {
  return folded(Math.max(1, Math.ceil(invocations / workgroupSize)));
}

/** The same for parts of a kernel's work (owners.wgsl.ts). */
export function lineOfOwners(members: number, owners: number): [number, number, number] {
  return folded(ownerWorkgroups(members, owners));
}

/** So many workgroups or a few more: a kernel tells which are beyond its work. */
export function folded(workgroups: number): [number, number, number] {
  const rows = Math.ceil(workgroups / MAX_WORKGROUPS);
  return [Math.ceil(workgroups / rows), rows, 1];
}
