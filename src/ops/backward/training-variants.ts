import { PRODUCT_LANES, type RowsProductCut } from '../../../kernels/backward/rows-product.wgsl.js';
import type { RowsTile } from '../../../kernels/backward/rows-product-tiled.wgsl.js';
import type { WeightGradientCut } from '../../../kernels/backward/weight-gradient.wgsl.js';
import type { GradientTile } from '../../../kernels/backward/weight-gradient-tiled.wgsl.js';
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

/** Tiles of workgroup memory, or all of a tile in the registers of one invocation. */
export type ProductCut = { readonly kind: 'tiled'; readonly tile: RowsTile } | ({ readonly kind: 'lanes' } & RowsProductCut);
export type GradientCut = { readonly kind: 'tiled'; readonly tile: GradientTile } | ({ readonly kind: 'lanes' } & WeightGradientCut);

/** 64 invocations with 4 × 1 sums each, and 128 with 4 × 2: twice the products for every load. */
export const SMALL_ROWS: RowsTile = { rows: 32, rowsEach: 4, lanes: 8, lanesEach: 1 };
export const LARGE_ROWS: RowsTile = { rows: 64, rowsEach: 4, lanes: 16, lanesEach: 2 };
/** The same for weight gradients. */
export const SMALL_GRADIENT: GradientTile = { lanes: 8, lanesEach: 1, groups: 8 };
export const LARGE_GRADIENT: GradientTile = { lanes: 16, lanesEach: 2, groups: 16 };
/** Workgroups of the large tile from which on it keeps a GPU busy. */
const ENOUGH_WORKGROUPS = 192;

/** How a product over so many rows is cut. The order of its sums does not depend on it. */
export function chooseProductCut({ rows, groups }: { readonly rows: number; readonly groups: number }, target: Target): ProductCut {
  if (VARIANTS[target.deviceClass].sliced) {
    const workgroups = Math.ceil(rows / LARGE_ROWS.rows) * Math.ceil(groups / LARGE_ROWS.lanes);
    return { kind: 'tiled', tile: workgroups >= ENOUGH_WORKGROUPS ? LARGE_ROWS : SMALL_ROWS };
  }
  // One number of rows for all: a driver takes up to seconds to compile a text, and few rows cost little whatever the tile.
  const subgroup = sharing(target);
  return { kind: 'lanes', columns: Math.max(ROWS_OF_A_MEMBER * subgroup, LEAST_ROWS), subgroup };
}

/** What the cut of a weight gradient depends on. */
export interface GradientProblem {
  readonly inGroups: number;
  readonly outGroups: number;
  readonly taps: number;
  /** Rows of a sample. */
  readonly places: number;
}

/** How a weight gradient is cut: on software drivers, as many groups of input channels as make a subgroup, or fewer where there are few. */
export function chooseGradientCut({ inGroups, outGroups, taps, places }: GradientProblem, target: Target): GradientCut {
  if (VARIANTS[target.deviceClass].sliced) {
    const workgroups = taps * Math.ceil(inGroups / LARGE_GRADIENT.groups) * Math.ceil(outGroups / LARGE_GRADIENT.lanes);
    return { kind: 'tiled', tile: workgroups >= ENOUGH_WORKGROUPS ? LARGE_GRADIENT : SMALL_GRADIENT };
  }
  const subgroup = sharing(target);
  const most = subgroup === 1 ? 4 : 8;
  const groups = Math.min(most, ceilPowerOfTwo(inGroups));
  // A member moves on by the rows that are loaded at once, which must not skip a sample.
  const atOnce = Math.max(1, subgroup / groups);
  return { kind: 'lanes', groups: atOnce <= places ? groups : ceilPowerOfTwo(subgroup / places), subgroup };
}

/** Invocations that share a sum over rows. */
export function sumMembers(rows: number, deviceClass: DeviceClass): number {
  return VARIANTS[deviceClass].sliced ? Math.min(MOST_MEMBERS, ceilPowerOfTwo(rows)) : 1;
}

/** Invocations that share the group of a norm: one for each channel at most. */
export function normMembers(groupChannels: number, deviceClass: DeviceClass): number {
  return VARIANTS[deviceClass].sliced ? Math.min(MOST_MEMBERS, ceilPowerOfTwo(groupChannels)) : 1;
}
