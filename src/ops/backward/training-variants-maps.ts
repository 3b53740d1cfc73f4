import { PRODUCT_LANES, type RowsProductCut } from '../../../kernels/backward/rows-product.wgsl.js';
import type { WeightGradientCut } from '../../../kernels/backward/weight-gradient.wgsl.js';
import type { BuildTarget } from '../../runtime/plan-builder.js';
import { ceilPowerOfTwo } from '../variants.js';

/** Places of an invocation for each member of its subgroup: more of them make more of a weight, and the text longer. */
const PLACES_OF_A_MEMBER = 4;
const LEAST_PLACES = 8;

type Target = Pick<BuildTarget, 'subgroupSize'>;

/** Members of a subgroup that hand loads round: a workgroup has eight invocations, and must be whole subgroups. */
function sharing({ subgroupSize = 1 }: Target): number {
  return subgroupSize <= PRODUCT_LANES ? subgroupSize : 1;
}

/** How a convolution over so many places is cut: the fewest tiles, and then the smallest that do. The order of sums does not depend on it. */
export function mapProductCut(places: number, target: Target): RowsProductCut {
  const subgroup = sharing(target);
  const most = Math.max(PLACES_OF_A_MEMBER * subgroup, LEAST_PLACES);
  const unit = Math.max(subgroup, LEAST_PLACES);
  const tiles = Math.ceil(places / most);
  return { columns: Math.ceil(places / tiles / unit) * unit, subgroup };
}

/** How its weight gradient is cut: as many groups of input channels as make a subgroup, or fewer where there are few. */
export function mapGradientCut(inGroups: number, target: Target): WeightGradientCut {
  const subgroup = sharing(target);
  return { groups: Math.min(subgroup === 1 ? 4 : 8, ceilPowerOfTwo(inGroups)), subgroup };
}
