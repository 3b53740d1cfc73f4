import { loadStartCheckpoint } from '../../checkpoints/predictor/read-predictor.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { CvaeShape, RawRows } from '../../spec/network-shapes.js';
import { type CvaeBatch, CvaeTraining, imageCvaeNames } from '../../training/cvae/cvae-training.js';
import { klWeight } from '../../training/cvae/kl-weight.js';
import { cvaeParameters } from '../../training/cvae/parameters.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import { formulaFolder, hasFormula } from './formula-policy.js';
import { dropoutVariant, recordedObservations, recordedSteps } from './recorded-batches.js';
import {
  caseNetwork,
  checkParameters,
  type OpenTrainingCase,
  probedValues,
  SMALL_ENCODER_TOLERANCES,
  TRAINING_TOLERANCES,
} from './training-network.js';

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
    const startWeights = new Map<string, Float32Array>();
    for (const { name } of description.parameters) {
      startWeights.set(name, (await checkpoint.weights.readFloats(names?.own(name) ?? name)).slice());
    }
    const batches = await recordedBatches(golden, description, shape, rows);
    const options = { shape, rows, layout: 'chw' as const, batchSize: description.batch };
    const training = await CvaeTraining.create(device, { ...options, ema: true });
    const batch = (step: number): CvaeBatch => batches[step] as CvaeBatch;
    const variant = await dropoutVariant(golden, (dropout) => training.run({ ...batch(0), dropout }, null));
    return caseNetwork(training, {
      tolerances: rows ? SMALL_ENCODER_TOLERANCES : TRAINING_TOLERANCES,
      startWeights,
      variants: variant ? [variant] : [],
      run: (step, _isMasked, update) => training.run(batch(step), update),
      inner: (probes) => probedValues(CvaeTraining.create(device, { ...options, ema: false, probes }), startWeights, batch(0)),
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
