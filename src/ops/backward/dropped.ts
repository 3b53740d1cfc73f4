import { DROPPED, type DroppedFunction, droppedKernel, droppedShape } from '../../../kernels/backward/dropped.wgsl.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { INVOCATIONS, lineOf } from '../grid.js';
import { type DropoutPlan, type DropoutSite, dropoutBindings } from './dropout.js';
import { assertWhole } from './whole.js';

export interface DroppedCall {
  readonly a: Tensor;
  readonly b?: Tensor | undefined;
  readonly out: Tensor;
  readonly dropout: DropoutPlan;
  readonly site: DropoutSite;
}

/** Records a function of dropped.wgsl.ts over whole buffers of one shape and order. */
export function recordDropped(builder: PlanBuilder, name: DroppedFunction, { a, b, out, dropout, site }: DroppedCall): void {
  const elements = out.batch * out.channels * out.length;
  const isComplete = DROPPED[name].second === (b !== undefined);
  if (!isComplete || !sameShape(a, out) || (b && !sameShape(b, out)) || site.elements !== elements) {
    throw new TypeError(`${name}: ${out.batch}x${out.channels}x${out.length} values, its operands are of another shape or missing`);
  }
  for (const tensor of [a, ...(b ? [b] : []), out]) assertWhole(name, tensor);
  builder.dispatch(
    droppedKernel(name, INVOCATIONS),
    [
      builder.shape(droppedShape(elements, site.firstWord)),
      ...dropoutBindings(dropout),
      { buffer: a.buffer },
      ...(b ? [{ buffer: b.buffer }] : []),
      { buffer: out.buffer },
    ],
    lineOf(elements),
  );
}
