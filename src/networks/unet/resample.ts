import { type Conv1dLayer, type Conv1dWeights, loadConv1d, recordConv1d } from '../../ops/conv1d.js';
import { loadSumParameters, type SumParameters } from '../../ops/norm.js';
import { partialSums } from '../../ops/partial-sums.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { probeTensor, type Tensor } from '../../runtime/tensor.js';
import { canBeLeft, type Flow, finished, splitsOf } from './flow.js';

/** A convolution between two levels, which halves the columns, or transposed doubles them. */
export interface Resample {
  readonly name: string;
  readonly conv: Conv1dWeights;
  readonly parameters: SumParameters;
}

export async function loadResample(loader: WeightLoader, name: string, layer: Conv1dLayer): Promise<Resample> {
  return { name, conv: await loadConv1d(loader, name, layer), parameters: await loadSumParameters(loader, name, layer.outChannels) };
}

const STRIDE = 2;

/**
 * Records y = conv(x), probed as `activation.<name>`. Where the device's variants split reductions, the convolution finishes x on the way in
 * and leaves y to its reader. `keep`: whether others read x, in its tensor.
 */
export function recordResample(builder: PlanBuilder, { name, conv, parameters }: Resample, x: Flow, y: Tensor, keep: boolean): Flow {
  const probe = `activation.${name}`;
  const { unfinished } = x;
  const splits = unfinished && canBeLeft(y) ? splitsOf(builder, conv, x, undefined, { outLength: y.length, stride: STRIDE }) : undefined;
  if (!unfinished || splits === undefined) {
    recordConv1d(builder, conv, { x: finished(builder, x), y, stride: STRIDE, padding: 1 });
    probeTensor(builder, probe, y);
    return { tensor: y };
  }
  const { batch, channels, length } = y;
  const sums = partialSums(builder, `${name} sums`, { splits, batch, channels, length });
  recordConv1d(builder, conv, { x: keptIf(builder, x, keep), y: sums, stride: STRIDE, padding: 1 });
  return { tensor: y, unfinished: { sums, parameters, groups: undefined, storedProbes: [probe] } };
}

/** An unfinished value that its reader stores where somebody else needs it. */
export function keptIf(builder: PlanBuilder, { tensor, unfinished }: Flow, keep: boolean): Tensor | NonNullable<Flow['unfinished']> {
  if (!unfinished) return tensor;
  const isProbed = (unfinished.storedProbes ?? []).some((name) => builder.wantsProbe(name));
  return { ...unfinished, stored: keep || isProbed ? tensor : undefined };
}
