import { type Conv1dWeights, loadLinear, recordConv1d } from '../../ops/conv1d.js';
import { type BufferRange, recordDrawStart } from '../../ops/sampling.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { asTokens, probeTensor, type Tensor, tokens } from '../../runtime/tensor.js';

/** Sizes of both heads. */
export interface HeadsShape {
  readonly conditioningDim: number;
  readonly hiddenDim: number;
  /** Values of a chunk. */
  readonly outputs: number;
}

/** The heads of NO-Diffusion on the device: mean and standard deviation of a start, each linear → ReLU → linear. */
export interface Heads {
  readonly shape: HeadsShape;
  readonly mean: readonly [Conv1dWeights, Conv1dWeights];
  readonly std: readonly [Conv1dWeights, Conv1dWeights];
}

/** Loads `mean_head.{0,2}` and `std_head.{0,2}`. */
export async function loadHeads(loader: WeightLoader, shape: HeadsShape): Promise<Heads> {
  const { conditioningDim, hiddenDim, outputs } = shape;
  const head = async (name: string): Promise<[Conv1dWeights, Conv1dWeights]> => [
    await loadLinear(loader, `${name}.0`, conditioningDim, hiddenDim),
    await loadLinear(loader, `${name}.2`, hiddenDim, outputs),
  ];
  return { shape, mean: await head('mean_head'), std: await head('std_head') };
}

/**
 * Records y = mean(conditioning) + softplus(std(conditioning)) · noise. conditioning: one token per sample. noise: f32 [b][outputs]. y: tokens
 * of `outputs` values per sample. Probes: `mean`, `std`.
 */
export function recordHeads(builder: PlanBuilder, { shape, mean, std }: Heads, conditioning: Tensor, noise: BufferRange, y: Tensor): void {
  const { hiddenDim, outputs } = shape;
  const { batch } = conditioning;
  const head = (label: string, [first, second]: readonly [Conv1dWeights, Conv1dWeights]): Tensor => {
    const hidden = tokens(builder, `${label} hidden`, batch, 1, hiddenDim);
    const output = tokens(builder, label, batch, 1, outputs);
    recordConv1d(builder, first, { x: conditioning, y: hidden, outActivation: 'relu' });
    recordConv1d(builder, second, { x: hidden, y: output });
    return output;
  };
  const means = head('mean head', mean);
  const deviations = head('std head', std);
  recordDrawStart(builder, { mean: means, std: deviations, noise, y: asTokens(y.buffer, batch, 1, outputs) });
  probeTensor(builder, 'mean', means);
  probeTensor(builder, 'std', deviations);
}
