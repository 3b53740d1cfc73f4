import { workgroupReduction } from './reduce.wgsl.js';
import { wgsl } from './wgsl.js';

/** Owners side by side in a workgroup, where each of them is one invocation. */
export const OWNERS_AT_ONCE = 8;

/**
 * Kernels whose work falls into many equal parts. On a GPU a workgroup owns a part and its `members` share the sums; a software
 * driver pays for every barrier, so there an invocation owns a part, and there is none.
 */
export interface OwnerText {
  readonly workgroupSize: number;
  /** Declares `reduce_sum(value, local)`: the sum over the members of a part. */
  readonly functions: string;
  /** Declares `owner` and `member`; an invocation without a part returns, where none waits for it. */
  readonly prepare: (owners: string) => string;
}

export function ownerText(members: number): OwnerText {
  if (members === 1) {
    return {
      workgroupSize: OWNERS_AT_ONCE,
      functions: 'fn reduce_sum(value: f32, local: u32) -> f32 {\n  return value;\n}',
      prepare: (owners) => wgsl`  let owner = workgroup.x * ${OWNERS_AT_ONCE}u + local;
  let member = 0u;
  if (owner >= ${owners}) {
    return;
  }`,
    };
  }
  return {
    workgroupSize: members,
    functions: workgroupReduction(members, ['sum']),
    prepare: () => '  let owner = workgroup.x;\n  let member = local;',
  };
}

/** Workgroups for so many parts. */
export function ownerWorkgroups(members: number, owners: number): number {
  return members === 1 ? Math.ceil(owners / OWNERS_AT_ONCE) : owners;
}
