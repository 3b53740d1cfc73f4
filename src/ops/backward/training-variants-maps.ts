import { PRODUCT_LANES, type RowsProductCut } from '../../../kernels/backward/rows-product.wgsl.js';
import { GRADIENT_BLOCK, type WeightGradientCut } from '../../../kernels/backward/weight-gradient.wgsl.js';
import type { BuildTarget } from '../../runtime/plan-builder.js';
import { ceilPowerOfTwo, VARIANTS } from '../variants.js';

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

/** Workgroups that keep a GPU busy, slices of a sum at most, and blocks of places from which on a slice is worth a workgroup. */
const ENOUGH_WORKGROUPS = 512;
const MOST_SLICES = 64;
const LEAST_BLOCKS = 4;

/** Places of each of the slices that a weight gradient is summed in: all of them where it is not cut. */
export function mapGradientSliceRows(
  { workgroups, rows }: { readonly workgroups: number; readonly rows: number },
  { deviceClass }: Pick<BuildTarget, 'deviceClass'>,
): number {
  if (!VARIANTS[deviceClass].sliced) return rows;
  const blocks = Math.ceil(rows / GRADIENT_BLOCK);
  const slices = Math.min(Math.ceil(ENOUGH_WORKGROUPS / workgroups), MOST_SLICES, Math.floor(blocks / LEAST_BLOCKS));
  return slices <= 1 ? rows : Math.ceil(blocks / slices) * GRADIENT_BLOCK;
}
