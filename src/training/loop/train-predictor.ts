import { positionTables, predictorConfig } from '../../checkpoints/predictor/write-predictor.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { streamSafetensors } from '../../checkpoints/safetensors/stream.js';
import { type CheckpointSource, checkSource, memorySource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { anchors } from '../../datasets/windows.js';
import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkNumber, checkObject } from '../../foundation/options.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { PredictorTraining } from '../predictor/predictor-training.js';
import { type FeatureNames, featureNames } from './feature-names.js';
import type { FramePart } from './frames.js';
import type { RunHistory } from './history.js';
import { initialWeights, predictorRule } from './initial-weights.js';
import { actionNormalizer } from './normalize.js';
import { type FrozenEncoders, frozenEncoders, policyFrame } from './policy-frames.js';
import { policyIdentity } from './policy-identity.js';
import { type HistoryDamage, type PairsSpec, predictorBatches } from './predictor-batches.js';
import { evaluatePredictor } from './predictor-error.js';
import { predictorForward } from './predictor-forward.js';
import { PRESET_NAMES, type Preset } from './presets.js';
import { writeText } from './run-storage.js';
import { runTraining } from './run-training.js';
import { splitEpisodes, spread } from './split.js';
import { checkTrainOptions, commonIdentity, droppedFrames, type TrainOptions } from './train-options.js';

/** Sizes of a predictor that its policy does not fix. */
export type PredictorSizes = Pick<
  PredictorShape,
  'historySteps' | 'encoderLayers' | 'decoderLayers' | 'modelDim' | 'heads' | 'feedforwardDim'
>;

export interface TrainPredictorOptions extends TrainOptions {
  /** The policy that the predictor is for; closed when it was read. */
  readonly policy: CheckpointSource;
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
/** The release's own settings first: they are the default. */
const PREDICTOR_PRESETS: readonly Preset[] = ['step', ...PRESET_NAMES.filter((name) => name !== 'step')];
/** Windows that an evaluation predicts, and that it shows. */
const MOST_EVALUATED = 1024;
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
  const { dataset, device, storage, signal } = options;
  const checkpoint = await loadPolicyCheckpoint(options.policy, signal ? { signal } : {});
  let encoders: FrozenEncoders | undefined;
  let step: PredictorTraining | undefined;
  try {
    const shape = predictorShape(checkpoint, sizes);
    const names = featureNames(WHERE, dataset, checkpoint);
    encoders = await frozenEncoders(options, checkpoint, names);
    const spec = pairsSpec(options, checkpoint, names, encoders?.parts ?? []);
    const { training, validation } = splitEpisodes(dataset, names.all, checked.validation, checked.seed);
    const dropLastFrames = options.dropLastFrames ?? droppedFrames(shape.horizon, checkpoint.actionSteps, checkpoint.observationSteps);
    const windows = (episodes: readonly number[]): Int32Array => anchors(dataset, { dropLastFrames, features: names.all, episodes });
    const rows = windows(training);
    if (rows.length === 0) throw noWindows(dataset.name, dropLastFrames);
    const held = windows(validation);
    const evaluated = spread(held.length > 0 ? held : rows, MOST_EVALUATED);

    const { seed, batchSize, plan, precision } = checked;
    const trained = await PredictorTraining.create(device, { shape, batchSize, ema: plan.optimizer.ema !== null, precision });
    step = trained;
    const initial = initialWeights(trained.parameters, predictorRule, seed);
    trained.write('weights', initial);
    if (plan.optimizer.ema !== null) trained.write('ema', initial);
    const result = resultOf(shape, trained);
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
          const of = held.length > 0 ? 'validation' : 'training';
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
      publish: async (weights) => {
        await storage.write('model.safetensors', result.stream(weights));
        await writeText(storage, 'config.json', predictorConfig(shape));
      },
      onEvent: options.onEvent,
      signal,
      now: () => performance.now(),
    });
  } finally {
    step?.dispose();
    encoders?.destroy();
    await checkpoint.close();
  }
}

/** The files of a predictor, of weights as they are by now. */
function resultOf(
  shape: PredictorShape,
  step: PredictorTraining,
): {
  tensors(weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array>;
  stream(weights: ReadonlyMap<string, Float32Array>): AsyncIterable<Uint8Array>;
  source(weights: ReadonlyMap<string, Float32Array>): CheckpointSource;
} {
  const tables = positionTables(shape);
  const shapes = new Map<string, readonly number[]>([
    ...step.parameters.map((parameter) => [parameter.name, parameter.shape] as const),
    ...[...tables].map(([name, table]) => [name, [1, table.length / shape.modelDim, shape.modelDim]] as const),
  ]);
  const tensors = (weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> => new Map([...weights, ...tables]);
  return {
    tensors,
    stream: (weights) => {
      const all = tensors(weights);
      const streamed = [...shapes].map(([name, size]) => ({ name, shape: size, values: async () => all.get(name) as Float32Array }));
      return streamSafetensors(streamed, { format: 'pt' });
    },
    source: (weights) => {
      const all = tensors(weights);
      const written = [...shapes].map(([name, size]) => ({
        name,
        dtype: 'F32' as const,
        shape: size,
        data: all.get(name) as Float32Array,
      }));
      return memorySource('trained predictor', {
        'config.json': predictorConfig(shape),
        'model.safetensors': encodeSafetensors(written, { format: 'pt' }),
      });
    },
  };
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

function pairsSpec(
  { dataset }: TrainPredictorOptions,
  checkpoint: PolicyCheckpoint,
  names: FeatureNames,
  pictures: readonly FramePart[],
): PairsSpec {
  const { unet, observationSteps, actionSteps, action } = checkpoint;
  return {
    dataset,
    frame: policyFrame(checkpoint, names, pictures),
    action: { name: names.action, size: unet.actionDim, normalizer: actionNormalizer(action) },
    horizon: unet.horizon,
    observationSteps,
    actionSteps,
  };
}

function noWindows(dataset: string, dropLastFrames: number): OptionError {
  return new OptionError(
    `${WHERE}: expected episodes of ${dataset} that are longer than ${dropLastFrames} frames and have everything that the policy reads, found ` +
      'none. See what is missing with `warmstep dataset inspect`.',
  );
}
