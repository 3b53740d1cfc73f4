import { loadPredictorCheckpoint } from '../../checkpoints/predictor/read-predictor.js';
import { CheckpointError } from '../../foundation/errors.js';
import { predictorParameters } from '../../training/predictor/parameters.js';
import { PredictorTraining } from '../../training/predictor/predictor-training.js';
import type { PredictorBatch, PredictorDropout } from '../../training/training-step.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import {
  caseNetwork,
  checkParameters,
  type OpenTrainingCase,
  probedValues,
  type RecordedVariant,
  TRAINING_TOLERANCES,
} from './training-network.js';

const MASK = 'input.dropout_keep.';

/** Training cases of a STEP predictor. */
export const openPredictorCase: OpenTrainingCase = async (golden, description, sources, device) => {
  await sources.policy?.close();
  if (!sources.predictor) throw new CheckpointError(`case "${golden.name}": expected a folder predictor/, found none.`);
  const checkpoint = await loadPredictorCheckpoint(sources.predictor);
  try {
    checkParameters(golden, description, predictorParameters(checkpoint.config));
    const startWeights = new Map<string, Float32Array>();
    const read = async (name: string): Promise<Float32Array> => (await checkpoint.weights.readFloats(name)).slice();
    for (const { name } of description.parameters) startWeights.set(name, await read(name));
    const positions = { action: await read('pos_encoder_action.pe'), observation: await read('pos_encoder_obs.pe') };
    const batches = await recordedBatches(golden, description);
    const options = { shape: checkpoint.config, batchSize: description.batch, positions };
    const training = await PredictorTraining.create(device, { ...options, ema: true });
    const batch = (step: number): PredictorBatch => batches[step] as PredictorBatch;
    const variant = await dropoutVariant(golden, (dropout) => training.run({ ...batch(0), dropout }, null));
    return caseNetwork(training, {
      tolerances: TRAINING_TOLERANCES,
      startWeights,
      variants: variant ? [variant] : [],
      run: (step, _isMasked, update) => training.run(batch(step), update),
      inner: (probes) => probedValues(PredictorTraining.create(device, { ...options, ema: false, probes }), startWeights, batch(0)),
    });
  } finally {
    await checkpoint.close();
  }
};

async function recordedBatches(golden: GoldenCase, { batch, steps }: TrainingDescription): Promise<PredictorBatch[]> {
  const [previous, observation, target] = await Promise.all(
    ['input.previous', 'input.observation', 'input.target'].map((name) => golden.values(name)),
  );
  const slice = (values: Float32Array | undefined, step: number): Float32Array => {
    const size = (values?.length ?? 0) / steps;
    return (values as Float32Array).slice(step * size, (step + 1) * size);
  };
  return Array.from({ length: steps }, (_, step) => ({
    count: batch,
    previous: slice(previous, step),
    observation: slice(observation, step),
    target: slice(target, step),
    dropout: null,
  }));
}

/** The step with dropout and recorded masks, where the case has one. */
async function dropoutVariant(golden: GoldenCase, run: (dropout: PredictorDropout) => void): Promise<RecordedVariant | undefined> {
  const { dropout } = golden.description as { readonly dropout?: { readonly p?: unknown; readonly loss?: unknown } };
  if (dropout === undefined) return undefined;
  const { p: probability, loss } = dropout;
  if (typeof probability !== 'number' || typeof loss !== 'number') {
    throw new CheckpointError(`case "${golden.name}": case.json: dropout must have numbers p and loss.`);
  }
  const masks = new Map<string, Uint8Array>();
  for (const site of golden.names(MASK)) masks.set(site, (await golden.bytes(MASK + site)).slice());
  return { name: 'dropout', loss, run: () => run({ probability, masks }) };
}
