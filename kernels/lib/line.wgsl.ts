/**
 * Where work lies in a line that is longer than WebGPU allows workgroups side by side: its dispatch is folded into rows (`lineOf`, src/ops/grid.ts), and a few
 * workgroups or invocations may lie beyond its end. Both read `count`, the built-in value num_workgroups.
 */

/** The invocation `id` (global_invocation_id) of workgroups of so many, counted from the beginning of the line. */
export function lineIndex(workgroupSize: number): string {
  return `id.y * count.x * ${workgroupSize}u + id.x`;
}

/** Parameters of `main` where a workgroup, or each of its invocations, owns a part of the work. */
export const LINE_PARAMETERS =
  '@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) count: vec3u';

/** The workgroup, counted from the beginning of the line. */
export const LINE_WORKGROUP = 'workgroup.y * count.x + workgroup.x';
