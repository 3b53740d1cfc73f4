import { LINE_PARAMETERS, LINE_WORKGROUP } from './line.wgsl.js';
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
  /** Of `main`. */
  readonly parameters: string;
  /** Declares `owner` and `member`; who has no part returns. Where members share sums that is a whole workgroup, so none waits at a barrier for them. */
  readonly prepare: (owners: string) => string;
}

const WORKGROUP = `(${LINE_WORKGROUP})`;

export function ownerText(members: number): OwnerText {
  if (members === 1) {
    return {
      workgroupSize: OWNERS_AT_ONCE,
      functions: 'fn reduce_sum(value: f32, local: u32) -> f32 {\n  return value;\n}',
      parameters: LINE_PARAMETERS,
      prepare: (owners) => wgsl`  let owner = ${WORKGROUP} * ${OWNERS_AT_ONCE}u + local;
  let member = 0u;
  if (owner >= ${owners}) {
    return;
  }`,
    };
  }
  return {
    workgroupSize: members,
    functions: workgroupReduction(members, ['sum']),
    parameters: LINE_PARAMETERS,
    prepare: (owners) => wgsl`  let owner = ${WORKGROUP};
  let member = local;
  if (owner >= ${owners}) {
    return;
  }`,
  };
}

/** Workgroups for so many parts. */
export function ownerWorkgroups(members: number, owners: number): number {
  return members === 1 ? Math.ceil(owners / OWNERS_AT_ONCE) : owners;
}
