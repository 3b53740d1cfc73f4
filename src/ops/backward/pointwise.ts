import {
  POINTWISE,
  type PointwiseTraining,
  pointwiseShape,
  pointwiseTrainingKernel,
} from '../../../kernels/backward/pointwise-training.wgsl.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { type DropoutPlan, type DropoutSite, dropoutBindings } from './dropout.js';
import { INVOCATIONS, lineOf } from './grid.js';
import { assertWhole } from './whole.js';

export interface PointwiseCall {
  readonly a: Tensor;
  readonly b?: Tensor | undefined;
  readonly out: Tensor;
  /** Where the function drops elements. */
  readonly dropout?: { readonly plan: DropoutPlan; readonly site: DropoutSite } | undefined;
}

/** Records a function of pointwise-training.wgsl.ts over whole buffers of one shape and order. */
export function recordPointwise(builder: PlanBuilder, name: PointwiseTraining, { a, b, out, dropout }: PointwiseCall): void {
  const wanted = POINTWISE[name];
  const elements = out.batch * out.channels * out.length;
  const isComplete = wanted.second === (b !== undefined) && wanted.dropout === (dropout !== undefined);
  if (!isComplete || !sameShape(a, out) || (b && !sameShape(b, out)) || (dropout && dropout.site.elements !== elements)) {
    throw new TypeError(`${name}: ${out.batch}x${out.channels}x${out.length} values, its operands are of another shape or missing`);
  }
  for (const tensor of [a, ...(b ? [b] : []), out]) assertWhole(name, tensor);
  builder.dispatch(
    pointwiseTrainingKernel(name, INVOCATIONS),
    [
      builder.shape(pointwiseShape(elements, dropout?.site.firstWord ?? 0)),
      ...(dropout ? dropoutBindings(dropout.plan) : []),
      { buffer: a.buffer },
      ...(b ? [{ buffer: b.buffer }] : []),
      { buffer: out.buffer },
    ],
    lineOf(elements),
  );
}
