import { DROPPED_ROWS_SIZES, droppedRowsGradientKernel, droppedRowsKernel } from '../../../kernels/backward/dropped-rows.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { type Rows, sameRows } from '../../runtime/rows.js';
import { INVOCATIONS, lineOf } from '../grid.js';
import { type DropoutPlan, type DropoutSite, dropoutBindings } from './dropout.js';
import type { TrainedFilm } from './trained-norm.js';

/** Rows that are dropped at a site, and the FiLM behind it. */
export interface DroppedRowsCall {
  readonly x: Rows;
  readonly film?: TrainedFilm | undefined;
  readonly dropout: DropoutPlan;
  readonly site: DropoutSite;
}

/** Records y = film(kept · x). Without FiLM the backward pass is the same over dy. */
export function recordDroppedRows(builder: PlanBuilder, call: DroppedRowsCall & { readonly y: Rows }): void {
  const { x, y, film, dropout } = call;
  builder.dispatch(
    droppedRowsKernel(film?.kind ?? 'none', INVOCATIONS),
    [
      shapeOf(builder, call, x, y),
      ...dropoutBindings(dropout),
      { buffer: x.buffer },
      ...(film ? [{ buffer: film.rows.buffer }] : []),
      { buffer: y.buffer },
    ],
    lineOf(x.batch * x.channels),
  );
}

/** Records dx = kept · film′(dy) and the gradients of FiLM. */
export function recordDroppedRowsGradient(
  builder: PlanBuilder,
  call: DroppedRowsCall & { readonly film: TrainedFilm; readonly dy: Rows; readonly dx: Rows },
): void {
  const { x, dy, dx, film, dropout } = call;
  const hasScale = film.kind === 'scale-bias';
  builder.dispatch(
    droppedRowsGradientKernel(film.kind, INVOCATIONS),
    [
      shapeOf(builder, call, dy, dx),
      ...dropoutBindings(dropout),
      { buffer: dy.buffer },
      ...(hasScale ? [{ buffer: x.buffer }, { buffer: film.rows.buffer }] : []),
      { buffer: film.gradients.buffer },
      { buffer: dx.buffer },
    ],
    lineOf(x.batch * x.channels),
  );
}

function shapeOf(builder: PlanBuilder, { x, film, site }: DroppedRowsCall, from: Rows, to: Rows): Binding {
  const { batch, length, channels } = x;
  const fits = !film || (film.rows.length === 1 && film.rows.batch === batch && film.rows.offset + film.gradients.offset === 0);
  if (!sameRows(x, from) || !sameRows(x, to) || channels % 4 !== 0 || site.elements !== batch * length * channels || !fits) {
    throw new TypeError(
      `dropped_rows: ${batch}x${length} rows of ${channels} channels (a multiple of 4), ${site.elements} elements of "${site.name}"; rows are of ` +
        'another shape, or FiLM has no row for each sample',
    );
  }
  const sizes: Record<(typeof DROPPED_ROWS_SIZES)[number], number> = {
    samples: batch,
    places: length,
    channels,
    from_offset: from.offset,
    from_row: from.stride,
    to_offset: to.offset,
    to_row: to.stride,
    kept_offset: x.offset,
    kept_row: x.stride,
    film_offset: film?.offset ?? 0,
    film_row: film?.rows.stride ?? 0,
    mask_word: site.firstWord,
  };
  return builder.shape(DROPPED_ROWS_SIZES.map((name) => sizes[name]));
}
