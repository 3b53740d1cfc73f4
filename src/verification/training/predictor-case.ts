import { loadPredictorCheckpoint } from '../../checkpoints/predictor/read-predictor.js';
import { IMAGE_NETWORK_PREFIXES } from '../../checkpoints/predictor/small-encoder-tensors.js';
import { positionTables } from '../../checkpoints/predictor/write-predictor.js';
import type { WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { RawRows } from '../../spec/network-shapes.js';
import { imagePredictorNames } from '../../training/predictor/image-front.js';
import { predictorParameters } from '../../training/predictor/parameters.js';
import { PredictorTraining } from '../../training/predictor/predictor-training.js';
import type { PredictorBatch } from '../../training/training-step.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import { formulaFolder, hasFormula } from './formula-policy.js';
import { recordedObservations, recordedSteps } from './recorded-batches.js';
import { readStartWeights, startCase } from './start-case.js';
import { checkParameters, type OpenTrainingCase } from './training-network.js';

/** Training cases of a STEP predictor, also of one with an image encoder of its own. */
export const openPredictorCase: OpenTrainingCase = async (golden, description, sources, device) => {
  await sources.policy?.close();
  if (!sources.predictor) throw new CheckpointError(`case "${golden.name}": expected a folder predictor/, found none.`);
  const folder = hasFormula(golden) ? await formulaPredictor(golden, description, sources.predictor) : sources.predictor;
  const checkpoint = await loadPredictorCheckpoint(folder);
  try {
    const { config: shape, observation } = checkpoint;
    const rows = observation.kind === 'raw' ? observation : undefined;
    const names = rows && imagePredictorNames(shape, rows);
    checkParameters(golden, description, names?.parameters ?? predictorParameters(shape));
    const startWeights = await readStartWeights(checkpoint.weights, description.parameters, names);
    const table = async (name: string): Promise<Float32Array> => (await checkpoint.weights.readFloats(name)).slice();
    const positions = { action: await table('pos_encoder_action.pe'), observation: await table('pos_encoder_obs.pe') };
    const batches = await recordedBatches(golden, description, shape.observationSteps, rows);
    const options = { shape, rows, layout: 'chw' as const, batchSize: description.batch, positions };
    return await startCase({
      golden,
      rows,
      startWeights,
      batches,
      compile: (more) => PredictorTraining.create(device, { ...options, ...more }),
    });
  } finally {
    await checkpoint.close();
  }
};

/** A predictor whose weights a formula makes; its position tables are those of the reference. */
async function formulaPredictor(golden: GoldenCase, description: TrainingDescription, folder: CheckpointSource): Promise<CheckpointSource> {
  const prefix = IMAGE_NETWORK_PREFIXES.transformer;
  const query = description.parameters.find(({ name }) => name.endsWith('action_query'));
  const [, horizon = 0, modelDim = 0] = query?.shape ?? [];
  const isBehind = query?.name.startsWith(prefix) ?? false;
  const tables = [...positionTables({ horizon, modelDim, historySteps: horizon, observationSteps: 1 })].map(
    ([name, data]): WritableTensor => ({
      name: isBehind ? prefix + name : name,
      dtype: 'F32',
      shape: [1, data.length / modelDim, modelDim],
      data,
    }),
  );
  return formulaFolder(golden, description, folder, tables);
}

async function recordedBatches(
  golden: GoldenCase,
  description: TrainingDescription,
  observationSteps: number,
  rows: RawRows | undefined,
): Promise<PredictorBatch[]> {
  const [previous, target] = [await recordedSteps(golden, description, 'previous'), await recordedSteps(golden, description, 'target')];
  const observations = await recordedObservations(golden, description, observationSteps, rows);
  return observations.map((observed, step) => ({
    count: description.batch,
    previous: previous[step] as Float32Array,
    ...observed,
    target: target[step] as Float32Array,
    dropout: null,
  }));
}
