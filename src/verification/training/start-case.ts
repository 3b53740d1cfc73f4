import type { NamedTensors } from '../../checkpoints/named-tensors.js';
import type { RawRows } from '../../spec/network-shapes.js';
import type { PlannedTraining } from '../../training/plan/planned-training.js';
import type { ImageNetworkNames } from '../../training/small-encoder/names.js';
import type { ParameterInfo, PredictorDropout } from '../../training/training-step.js';
import type { GoldenCase } from '../golden-case.js';
import { dropoutVariant } from './recorded-batches.js';
import { caseNetwork, probedValues, SMALL_ENCODER_TOLERANCES, TRAINING_TOLERANCES, type TrainingCaseNetwork } from './training-network.js';

/** A network that makes starts, as its case has it. */
export interface StartCase<Batch> {
  readonly golden: GoldenCase;
  /** Of a network with an image encoder of its own. */
  readonly rows: RawRows | undefined;
  readonly startWeights: ReadonlyMap<string, Float32Array>;
  /** By step. */
  readonly batches: readonly Batch[];
  /** Compiles the network. */
  readonly compile: (options: { readonly ema: boolean; readonly probes?: Iterable<string> }) => Promise<PlannedTraining<Batch>>;
}

/** The start weights of a case, under the names that it has for them. `names`: of a network with an image encoder of its own. */
export async function readStartWeights(
  weights: Pick<NamedTensors, 'readFloats'>,
  parameters: readonly ParameterInfo[],
  names: ImageNetworkNames | undefined,
): Promise<Map<string, Float32Array>> {
  const read = new Map<string, Float32Array>();
  for (const { name } of parameters) read.set(name, (await weights.readFloats(names?.own(name) ?? name)).slice());
  return read;
}

/** The network of a training case of what makes starts: a predictor or a CVAE. */
export async function startCase<Batch extends { readonly dropout: PredictorDropout | null }>({
  golden,
  rows,
  startWeights,
  batches,
  compile,
}: StartCase<Batch>): Promise<TrainingCaseNetwork> {
  const training = await compile({ ema: true });
  const batch = (step: number): Batch => batches[step] as Batch;
  const variant = await dropoutVariant(golden, (dropout) => training.run({ ...batch(0), dropout }, null));
  return caseNetwork(training, {
    tolerances: rows ? SMALL_ENCODER_TOLERANCES : TRAINING_TOLERANCES,
    startWeights,
    variants: variant ? [variant] : [],
    run: (step, _isMasked, update) => training.run(batch(step), update),
    inner: (probes) => probedValues(compile({ ema: false, probes }), startWeights, batch(0)),
  });
}
