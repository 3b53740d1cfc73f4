import { placeTokensKernel, placeTokensShape } from '../../../kernels/backward/place-tokens.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { INVOCATIONS } from '../grid.js';

export interface PlaceTokensCall {
  /** In another buffer than y; may be one sample for all (`broadcast`). */
  readonly x: Tensor;
  /** f32 [length][channels], added to every sample. */
  readonly rows?: Binding | undefined;
  readonly y: Tensor;
}

/** Records y = x (+ rows), each by its layout. */
export function recordPlaceTokens(builder: PlanBuilder, { x, rows, y }: PlaceTokensCall): void {
  if (!sameShape(x, y)) {
    throw new TypeError(`place_tokens: x is ${x.batch}x${x.length}x${x.channels}, y is ${y.batch}x${y.length}x${y.channels}`);
  }
  builder.dispatch(
    placeTokensKernel(rows !== undefined, INVOCATIONS),
    [
      builder.shape(placeTokensShape(y.length, y.channels, x.layout, y.layout)),
      { buffer: x.buffer },
      ...(rows ? [rows] : []),
      { buffer: y.buffer },
    ],
    [Math.ceil((y.length * y.channels) / INVOCATIONS), 1, y.batch],
  );
}
