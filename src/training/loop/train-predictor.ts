import { positionTables, predictorConfig } from '../../checkpoints/predictor/write-predictor.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import { checkSource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkNumber, checkObject } from '../../foundation/options.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { PredictorTraining } from '../predictor/predictor-training.js';
import type { RunHistory } from './history.js';
import { initialWeights, predictorRule } from './initial-weights.js';
import { networkResult } from './network-result.js';
import { type BesidePolicyOptions, type OpenPairs, openPairs } from './open-pairs.js';
import { policyIdentity } from './policy-identity.js';
import { type HistoryDamage, predictorBatches } from './predictor-batches.js';
import { evaluatePredictor } from './predictor-error.js';
import { predictorForward } from './predictor-forward.js';
import { PREDICTOR_PRESETS } from './presets.js';
import { runTraining } from './run-training.js';
import { checkTrainOptions, commonIdentity } from './train-options.js';

/** Sizes of a predictor that its policy does not fix. */
export type PredictorSizes = Pick<
  PredictorShape,
  'historySteps' | 'encoderLayers' | 'decoderLayers' | 'modelDim' | 'heads' | 'feedforwardDim'
>;

export interface TrainPredictorOptions extends BesidePolicyOptions {
  /** Default: those of the STEP paper, 2 + 2 layers of 128, and the whole previous chunk. */
  readonly sizes?: Partial<PredictorSizes>;
  /** Probability of dropout inside the network. Default 0.1. */
  readonly dropout?: number;
  /** Share of the rows of the previous chunk that are hidden, and noise on the others: against copying. Default 0.3 and 0.02. */
  readonly history?: Partial<HistoryDamage>;
}

const WHERE = 'trainPredictor';
const OWN_KEYS = ['policy', 'sizes', 'dropout', 'history'];
const SIZES: Omit<PredictorSizes, 'historySteps'> = { encoderLayers: 2, decoderLayers: 2, modelDim: 128, heads: 4, feedforwardDim: 256 };
const HISTORY: HistoryDamage = { rowDropout: 0.3, noise: 0.02 };
/** Windows that an evaluation shows. */
const SAMPLES = 6;

/**
 * Trains a STEP predictor for a policy on demonstrations, and writes its folder (docs/predictor-format.md) into the storage: after every
 * `saveEvery` steps as good as it is by then. It learns chunks from the chunk of the decision before and from the observations, in the
 * policy's own normalisation; of pictures it reads what the policy's encoder makes of them.
 * @throws OptionError, CheckpointError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainPredictor(options: TrainPredictorOptions): Promise<RunHistory> {
  const checked = checkTrainOptions(WHERE, options, OWN_KEYS, PREDICTOR_PRESETS);
  const { sizes, history, dropout } = checkedOwn(options);
  checkSource(WHERE, 'policy', options.policy);
  const { device, storage, signal } = options;
  const checkpoint = await loadPolicyCheckpoint(options.policy, signal ? { signal } : {});
  let pairs: OpenPairs | undefined;
  let step: PredictorTraining | undefined;
  try {
    const shape = predictorShape(checkpoint, sizes);
    pairs = await openPairs(WHERE, options, checked, checkpoint);
    const { spec, rows, held, evaluated } = pairs;

    const { seed, batchSize, plan, precision } = checked;
    const trained = await PredictorTraining.create(device, { shape, batchSize, ema: plan.optimizer.ema !== null, precision });
    step = trained;
    const initial = initialWeights(trained.parameters, predictorRule, seed);
    trained.write('weights', initial);
    if (plan.optimizer.ema !== null) trained.write('ema', initial);
    const result = networkResult('trained predictor', predictorConfig(shape), trained.parameters, {
      tensors: positionTables(shape),
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
      },
      resume: checked.resume,
      evaluate: async (at) => {
        const weights = await trained.read(plan.optimizer.ema === null ? 'weights' : 'ema');
        const forward = await predictorForward(device, shape, result.tensors(weights), Math.min(batchSize, 64));
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

function checkedOwn({ sizes = {}, history = {}, dropout = 0.1 }: TrainPredictorOptions): {
  readonly sizes: Partial<PredictorSizes>;
  readonly history: HistoryDamage;
  readonly dropout: number;
} {
  checkObject(WHERE, 'sizes', sizes);
  checkKeys(`${WHERE}: sizes`, sizes, ['historySteps', ...Object.keys(SIZES)]);
  for (const [name, size] of Object.entries(sizes)) {
    if (size !== undefined) checkInteger(`${WHERE}: sizes`, name, size, 1, name.endsWith('Layers') ? 64 : 65_536);
  }
  checkObject(WHERE, 'history', history);
  checkKeys(`${WHERE}: history`, history, Object.keys(HISTORY));
  const damage = { ...HISTORY, ...history };
  checkNumber(`${WHERE}: history`, 'rowDropout', damage.rowDropout, 'a number from 0 to 1', (share) => share >= 0 && share <= 1);
  checkNumber(`${WHERE}: history`, 'noise', damage.noise, 'a number of at least 0', (noise) => noise >= 0 && noise < Infinity);
  checkNumber(WHERE, 'dropout', dropout, 'a number from 0 to below 1', (share) => share >= 0 && share < 1);
  return { sizes, history: damage, dropout };
}

function predictorShape({ unet, observations, observationSteps }: PolicyCheckpoint, sizes: Partial<PredictorSizes>): PredictorShape {
  const shape: PredictorShape = {
    actionDim: unet.actionDim,
    observationDim: observations.reduce((sum, { size }) => sum + size, 0),
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
