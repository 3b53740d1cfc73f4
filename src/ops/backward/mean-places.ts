import { MEAN_PLACES_SIZES, meanPlacesGradientKernel, meanPlacesKernel } from '../../../kernels/backward/mean-places.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { checkWholeRows, isWhole, type Rows, sameRows } from '../../runtime/rows.js';
import { INVOCATIONS, lineOf, lineOfOwners } from '../grid.js';
import { sumMembers } from './training-variants.js';

function shapeOf(builder: PlanBuilder, x: Rows, y: Rows): Binding {
  if (!isWhole(x) || !isWhole(y) || y.batch !== x.batch || y.length !== 1 || y.channels !== x.channels) {
    throw new TypeError(`mean_places: x is ${x.batch}x${x.length}x${x.channels}, its mean ${y.batch}x${y.length}x${y.channels}`);
  }
  const sizes: Record<(typeof MEAN_PLACES_SIZES)[number], number> = { batch: x.batch, places: x.length, groups: x.stride / 4 };
  return builder.shape(MEAN_PLACES_SIZES.map((name) => sizes[name]));
}

/** Records y [b][1][channels] = the mean of x over its places. */
export function recordMeanPlaces(builder: PlanBuilder, x: Rows, y: Rows): void {
  const members = sumMembers(x.length, builder.deviceClass);
  builder.dispatch(
    meanPlacesKernel(members),
    [shapeOf(builder, x, y), { buffer: x.buffer }, { buffer: y.buffer }],
    lineOfOwners(members, (x.batch * x.stride) / 4),
  );
}

/** Records dx, the gradient of what ReLU made x of, from dy, that of the mean of x. */
export function recordMeanPlacesGradient(builder: PlanBuilder, x: Rows, dy: Rows, dx: Rows): void {
  if (!sameRows(dx, x)) throw new TypeError('mean_places: the gradient has the shape of x');
  checkWholeRows('mean_places', x, [dx]);
  builder.dispatch(
    meanPlacesGradientKernel(INVOCATIONS),
    [shapeOf(builder, x, dy), { buffer: x.buffer }, { buffer: dy.buffer }, { buffer: dx.buffer }],
    lineOf((x.batch * x.length * x.stride) / 4),
  );
}
