import { PRODUCT_LANES, type RowsProductCut } from '../../../kernels/backward/rows-product.wgsl.js';
import type { WeightGradientCut } from '../../../kernels/backward/weight-gradient.wgsl.js';
import type { DeviceClass } from '../../runtime/device-class.js';
import type { BuildTarget } from '../../runtime/plan-builder.js';
import { ceilPowerOfTwo, VARIANTS } from '../variants.js';

/** Rows of an invocation for each member of its subgroup: more of them make more of a weight, and the text longer. */
const ROWS_OF_A_MEMBER = 4;
const LEAST_ROWS = 8;
const MOST_MEMBERS = 64;

type Target = Pick<BuildTarget, 'deviceClass' | 'subgroupSize'>;

/** Members of a subgroup that hand loads round: a workgroup has eight invocations, and must be whole subgroups. */
function sharing({ subgroupSize = 1 }: Target): number {
  return subgroupSize <= PRODUCT_LANES ? subgroupSize : 1;
}

/** How a product over so many rows is cut. */
export function chooseProductCut(rows: number, target: Target): RowsProductCut {
  const subgroupSize = sharing(target);
  const most = Math.max(ROWS_OF_A_MEMBER * subgroupSize, LEAST_ROWS);
  const unit = Math.max(subgroupSize, LEAST_ROWS);
  const tiles = Math.ceil(rows / most);
  return { columns: Math.ceil(rows / tiles / unit) * unit, subgroup: subgroupSize };
}

/** How a weight gradient is cut: as many groups of input channels as make a subgroup, or half of them where there are few. */
export function chooseGradientCut(
  { inGroups, places }: { readonly inGroups: number; readonly places: number },
  target: Target,
): WeightGradientCut {
  const subgroupSize = sharing(target);
  const most = subgroupSize === 1 ? 4 : 8;
  const groups = Math.min(most, ceilPowerOfTwo(inGroups));
  // A member moves on by the rows that are loaded at once, which must not skip a sample.
  const atOnce = Math.max(1, subgroupSize / groups);
  return { groups: atOnce <= places ? groups : ceilPowerOfTwo(subgroupSize / places), subgroup: subgroupSize };
}

/** Invocations that share a sum over rows. */
export function sumMembers(rows: number, deviceClass: DeviceClass): number {
  return VARIANTS[deviceClass].sliced ? Math.min(MOST_MEMBERS, ceilPowerOfTwo(rows)) : 1;
}

/** Invocations that share the group of a norm: one for each channel at most. */
export function normMembers(groupChannels: number, deviceClass: DeviceClass): number {
  return VARIANTS[deviceClass].sliced ? Math.min(MOST_MEMBERS, ceilPowerOfTwo(groupChannels)) : 1;
}
