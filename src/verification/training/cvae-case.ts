import { loadStartCheckpoint } from '../../checkpoints/predictor/read-predictor.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { CvaeShape, RawRows } from '../../spec/network-shapes.js';
import { type CvaeBatch, CvaeTraining, imageCvaeNames } from '../../training/cvae/cvae-training.js';
import { klWeight } from '../../training/cvae/kl-weight.js';
import { cvaeParameters } from '../../training/cvae/parameters.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import { formulaFolder, hasFormula } from './formula-policy.js';
import { recordedObservations, recordedSteps } from './recorded-batches.js';
import { readStartWeights, startCase } from './start-case.js';
import { checkParameters, type OpenTrainingCase } from './training-network.js';

/** Training cases of a CVAE; the weight of its divergence grows with the steps as with the calls of the release's loss. */
export const openCvaeCase: OpenTrainingCase = async (golden, description, sources, device) => {
  await sources.policy?.close();
  if (!sources.predictor) throw new CheckpointError(`case "${golden.name}": expected a folder predictor/, found none.`);
  const folder = hasFormula(golden) ? await formulaFolder(golden, description, sources.predictor, []) : sources.predictor;
  const checkpoint = await loadStartCheckpoint(folder);
  try {
    if (checkpoint.kind !== 'cvae') throw new CheckpointError(`case "${golden.name}": expected a CVAE in predictor/, found a transformer.`);
    const { config: shape, observation } = checkpoint;
    const rows = observation.kind === 'raw' ? observation : undefined;
    const names = rows && imageCvaeNames(shape, rows);
    checkParameters(golden, description, names?.parameters ?? cvaeParameters(shape));
    const startWeights = await readStartWeights(checkpoint.weights, description.parameters, names);
    const batches = await recordedBatches(golden, description, shape, rows);
    const options = { shape, rows, layout: 'chw' as const, batchSize: description.batch };
    return await startCase({
      golden,
      rows,
      startWeights,
      batches,
      compile: (more) => CvaeTraining.create(device, { ...options, ...more }),
    });
  } finally {
    await checkpoint.close();
  }
};

async function recordedBatches(
  golden: GoldenCase,
  description: TrainingDescription,
  shape: CvaeShape,
  rows: RawRows | undefined,
): Promise<CvaeBatch[]> {
  const [actions, latent] = [await recordedSteps(golden, description, 'action'), await recordedSteps(golden, description, 'latent')];
  const observations = await recordedObservations(golden, description, shape.observationSteps, rows);
  return observations.map(({ observation, ...pictures }, step) => ({
    count: description.batch,
    conditioning: observation,
    ...pictures,
    actions: actions[step] as Float32Array,
    latent: latent[step] as Float32Array,
    klWeight: klWeight(shape, step),
    dropout: null,
  }));
}
