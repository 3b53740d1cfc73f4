import { positionTables, predictorConfig } from '../../checkpoints/predictor/write-predictor.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import { checkSource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkNumber, checkObject } from '../../foundation/options.js';
import type { PredictorShape, RawRows } from '../../spec/network-shapes.js';
import { imagePredictorNames } from '../predictor/image-front.js';
import { PredictorTraining } from '../predictor/predictor-training.js';
import type { RunHistory } from './history.js';
import { besideRule, initialWeights, predictorRule, writeInitial } from './initial-weights.js';
import { networkResult } from './network-result.js';
import { type BesidePolicyOptions, type OpenPairs, openPairs } from './open-pairs.js';
import { checkImageEncoder, type ImageEncoderOptions, ownRows } from './own-encoder.js';
import { policyIdentity } from './policy-identity.js';
import { type HistoryDamage, predictorBatches } from './predictor-batches.js';
import { evaluatePredictor } from './predictor-error.js';
import { predictorForward } from './predictor-forward.js';
import { PREDICTOR_PRESETS } from './presets.js';
import { runTraining } from './run-training.js';
import { checkTrainOptions, commonIdentity } from './train-options.js';

/** Sizes of a predictor that its policy does not fix. `observationDim`: of an observation token, beside an image encoder of its own alone. */
export type PredictorSizes = Pick<
  PredictorShape,
  'historySteps' | 'encoderLayers' | 'decoderLayers' | 'modelDim' | 'heads' | 'feedforwardDim' | 'observationDim'
>;

export interface TrainPredictorOptions extends BesidePolicyOptions {
  /** Default: those of the STEP paper, 2 + 2 layers of 128, and the whole previous chunk; beside an image encoder, tokens of 128. */
  readonly sizes?: Partial<PredictorSizes>;
  /** Probability of dropout inside the network. Default 0.1. */
  readonly dropout?: number;
  /** Share of the rows of the previous chunk that are hidden, and noise on the others: against copying. Default 0.3 and 0.02. */
  readonly history?: Partial<HistoryDamage>;
  /** For a policy with pictures: an encoder of the predictor's own, trained with it. Default: it reads the features of the policy's encoder. */
  readonly imageEncoder?: ImageEncoderOptions;
}

const WHERE = 'trainPredictor';
const OWN_KEYS = ['policy', 'sizes', 'dropout', 'history', 'imageEncoder'];
const SIZES: Omit<PredictorSizes, 'historySteps' | 'observationDim'> = {
  encoderLayers: 2,
  decoderLayers: 2,
  modelDim: 128,
  heads: 4,
  feedforwardDim: 256,
};
const HISTORY: HistoryDamage = { rowDropout: 0.3, noise: 0.02 };
/** Of an observation token made of an encoder's features, as the release. */
const TOKEN_DIM = 128;
/** Windows that an evaluation shows. */
const SAMPLES = 6;

/**
 * Trains a STEP predictor for a policy on demonstrations, and writes its folder (docs/predictor-format.md) into the storage: after every
 * `saveEvery` steps as good as it is by then. It learns chunks from the chunk of the decision before and from the observations, in the
 * policy's own normalisation; of pictures it reads what the policy's encoder makes of them, or what one of its own does, which learns with it.
 * @throws OptionError, CheckpointError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainPredictor(options: TrainPredictorOptions): Promise<RunHistory> {
  const checked = checkTrainOptions(WHERE, options, OWN_KEYS, PREDICTOR_PRESETS);
  const { sizes, history, dropout, imageEncoder } = checkedOwn(options);
  checkSource(WHERE, 'policy', options.policy);
  const { device, storage, signal } = options;
  const checkpoint = await loadPolicyCheckpoint(options.policy, signal ? { signal } : {});
  let pairs: OpenPairs | undefined;
  let step: PredictorTraining | undefined;
  try {
    const raw = imageEncoder && ownRows(WHERE, checkpoint, imageEncoder);
    const shape = predictorShape(checkpoint, sizes, raw);
    pairs = await openPairs(WHERE, options, checked, checkpoint, raw);
    const { spec, rows, held, evaluated } = pairs;

    const { seed, batchSize, plan, precision } = checked;
    const hasEma = plan.optimizer.ema !== null;
    const trained = await PredictorTraining.create(device, { shape, rows: raw, batchSize, ema: hasEma, precision });
    step = trained;
    const names = raw && imagePredictorNames(shape, raw);
    const rule = names ? besideRule(names, predictorRule) : predictorRule;
    writeInitial(trained, initialWeights(trained.parameters, rule, seed), hasEma);
    const result = networkResult('trained predictor', predictorConfig(shape, raw), trained.parameters, {
      tensors: names ? names.behind(positionTables(shape)) : positionTables(shape),
      shapeOf: (table) => [1, table.length / shape.modelDim, shape.modelDim],
    });
    return await runTraining(plan, {
      step: trained,
      batches: predictorBatches(spec, { anchors: rows, batchSize, seed, dropout, ...history }),
      storage,
      identity: {
        kind: 'predictor',
        ...commonIdentity(checked, options, rows.length),
        ...(await policyIdentity(checkpoint)),
        dropout,
        ...history,
        shape: JSON.stringify(shape),
        ...(raw ? { rows: JSON.stringify(raw) } : {}),
      },
      resume: checked.resume,
      evaluate: async (at) => {
        const weights = await trained.read(hasEma ? 'ema' : 'weights');
        const tensors = result.tensors(weights);
        const forward = await predictorForward(device, shape, names?.alone(tensors) ?? tensors, Math.min(batchSize, 64), raw);
        try {
          const { network, shift, samples } = await evaluatePredictor(forward, spec, evaluated, SAMPLES);
          const of = held ? 'validation' : 'training';
          const more = (await options.onEvaluate?.(result.source(weights), at)) ?? {};
          const figures = {
            [`${of} error`]: network.all,
            [`${of} error, unseen rows`]: network.unseen,
            [`${of} error of shift`]: shift.all,
            [`${of} error of shift, unseen rows`]: shift.unseen,
            ...more,
          };
          return { figures, samples };
        } finally {
          forward.destroy();
        }
      },
      publish: (weights) => result.publish(storage, weights),
      onEvent: options.onEvent,
      signal,
      now: () => performance.now(),
    });
  } finally {
    step?.dispose();
    pairs?.destroy();
    await checkpoint.close();
  }
}

function checkedOwn({ sizes = {}, history = {}, dropout = 0.1, imageEncoder }: TrainPredictorOptions): {
  readonly sizes: Partial<PredictorSizes>;
  readonly history: HistoryDamage;
  readonly dropout: number;
  readonly imageEncoder: ImageEncoderOptions | undefined;
} {
  const encoder = imageEncoder === undefined ? undefined : checkImageEncoder(WHERE, imageEncoder);
  checkObject(WHERE, 'sizes', sizes);
  checkKeys(`${WHERE}: sizes`, sizes, ['historySteps', ...(encoder ? ['observationDim'] : []), ...Object.keys(SIZES)]);
  for (const [name, size] of Object.entries(sizes)) {
    if (size !== undefined) checkInteger(`${WHERE}: sizes`, name, size, 1, name.endsWith('Layers') ? 64 : 65_536);
  }
  checkObject(WHERE, 'history', history);
  checkKeys(`${WHERE}: history`, history, Object.keys(HISTORY));
  const damage = { ...HISTORY, ...history };
  checkNumber(`${WHERE}: history`, 'rowDropout', damage.rowDropout, 'a number from 0 to 1', (share) => share >= 0 && share <= 1);
  checkNumber(`${WHERE}: history`, 'noise', damage.noise, 'a number of at least 0', (noise) => noise >= 0 && noise < Infinity);
  checkNumber(WHERE, 'dropout', dropout, 'a number from 0 to below 1', (share) => share >= 0 && share < 1);
  return { sizes, history: damage, dropout, imageEncoder: encoder };
}

function predictorShape(
  { unet, observations, observationSteps }: PolicyCheckpoint,
  sizes: Partial<PredictorSizes>,
  rows: RawRows | undefined,
): PredictorShape {
  const shape: PredictorShape = {
    actionDim: unet.actionDim,
    observationDim: rows ? TOKEN_DIM : observations.reduce((sum, { size }) => sum + size, 0),
    horizon: unet.horizon,
    observationSteps,
    ...SIZES,
    historySteps: unet.horizon,
    ...sizes,
  };
  if (shape.historySteps > shape.horizon) {
    throw new OptionError(`${WHERE}: sizes.historySteps must be at most the horizon ${shape.horizon}, found ${shape.historySteps}.`);
  }
  if (shape.modelDim % shape.heads !== 0) {
    throw new OptionError(`${WHERE}: sizes.heads must divide sizes.modelDim ${shape.modelDim}, found ${shape.heads}.`);
  }
  return shape;
}
