import { readJsonObject } from '../../checkpoints/json-object.js';
import { ENVIRONMENT, STATE } from '../../checkpoints/lerobot/features.js';
import { readPolicyConfig } from '../../checkpoints/lerobot/policy-config.js';
import { processorNormalization } from '../../checkpoints/lerobot/processors.js';
import {
  inOrder,
  MODEL_FILE,
  MODEL_METADATA,
  policyFiles,
  type WrittenFeature,
  type WrittenPolicy,
} from '../../checkpoints/lerobot/write-policy.js';
import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { streamSafetensors } from '../../checkpoints/safetensors/stream.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import type { Dataset, DatasetFeature } from '../../datasets/dataset.js';
import { anchors } from '../../datasets/windows.js';
import { OptionError } from '../../foundation/errors.js';
import {
  checkChoice,
  checkInteger,
  checkKeys,
  checkList,
  checkNumber,
  checkObject,
  checkText,
  checkToggle,
} from '../../foundation/options.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';
import { BETA_SCHEDULES } from '../../spec/noise-schedule.js';
import type { Normalizer, SchedulerConfig } from '../../spec/policy-spec.js';
import type { ParameterInfo } from '../training-step.js';
import { UNetTraining } from '../unet/unet-training.js';
import type { FramePart } from './frames.js';
import type { RunHistory } from './history.js';
import { initialWeights, policyRule } from './initial-weights.js';
import { actionNormalizer } from './normalize.js';
import { evaluateChunks } from './policy-error.js';
import { POLICY_PRESETS } from './presets.js';
import { runTraining } from './run-training.js';
import { splitEpisodes, spread } from './split.js';
import { type CheckedTrainOptions, checkTrainOptions, commonIdentity, droppedFrames, type TrainOptions } from './train-options.js';
import { unetBatch, unetBatches, type WindowsSpec } from './unet-batches.js';

/** The U-Net as options name its sizes; the data set says the rest. */
export type UnetSizes = Pick<UnetShape, 'downDims' | 'kernelSize' | 'groups' | 'stepEmbedDim' | 'scaleModulation'>;

export interface TrainPolicyOptions extends TrainOptions {
  /** Default: LeRobot's, 512/1024/2048. */
  readonly sizes?: Partial<UnetSizes>;
  /** H. Default 16. */
  readonly horizon?: number;
  /** Rows executed per decision. Default 8. */
  readonly actionSteps?: number;
  /** Frames that are read. Default 2. */
  readonly observationSteps?: number;
  /** The noise schedule, and how the policy samples by itself. Default: LeRobot's, DDPM over 100 levels. */
  readonly scheduler?: Partial<SchedulerConfig>;
  /** Leaves padded actions out of the loss (`do_mask_loss_for_padding`). Default false. */
  readonly maskPadding?: boolean;
  /** Names of the observations that are read. Default: the state, and the environment state where there is one. */
  readonly observations?: readonly string[];
}

const WHERE = 'trainPolicy';
const OWN_KEYS = ['sizes', 'horizon', 'actionSteps', 'observationSteps', 'scheduler', 'maskPadding', 'observations'];
const SIZES: UnetSizes = { downDims: [512, 1024, 2048], kernelSize: 5, groups: 8, stepEmbedDim: 128, scaleModulation: true };
const SCHEDULER: Omit<SchedulerConfig, 'numInferenceSteps'> = {
  type: 'DDPM',
  numTrainTimesteps: 100,
  betaSchedule: 'squaredcos_cap_v2',
  betaStart: 1e-4,
  betaEnd: 0.02,
  predictionType: 'epsilon',
  clipSample: true,
  clipSampleRange: 1,
};
/** What LeRobot's configuration has a field for. */
const SCHEDULER_KEYS = [...Object.keys(SCHEDULER), 'numInferenceSteps'];
/** Batches whose loss makes the validation loss, and windows that are sampled and compared as chunks. */
const VALIDATION_BATCHES = 4;
const MOST_CHUNKS = 24;
const ACTION = 'action';

/**
 * Trains a diffusion policy on the numbers of a data set, and writes a LeRobot checkpoint into the storage: config, weights (of the EMA, where
 * one is kept), processors with the statistics of the data set. Pictures are not read.
 * @throws OptionError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainPolicy(options: TrainPolicyOptions): Promise<RunHistory> {
  const checked = checkTrainOptions(WHERE, options, OWN_KEYS, POLICY_PRESETS);
  const written = describePolicy(options, checked);
  const { unet, scheduler, observationSteps, maskPadding } = written;
  const { dataset, device, storage, signal } = options;
  const { spec, features } = await windowsSpec(dataset, written);
  const { training, validation } = splitEpisodes(dataset, features, checked.validation, checked.seed);
  const windows = (episodes: readonly number[]): Int32Array =>
    anchors(dataset, { dropLastFrames: written.dropLastFrames, features, episodes });
  const rows = windows(training);
  if (rows.length === 0) throw noWindows(dataset.name, written.dropLastFrames);
  const held = windows(validation);
  const evaluated = held.length > 0 ? held : rows;

  const { seed, batchSize, plan } = checked;
  const hasEma = plan.optimizer.ema !== null;
  const step = await UNetTraining.create(device, {
    shape: unet,
    batchSize,
    schedule: scheduler,
    predictionType: scheduler.predictionType as 'epsilon' | 'sample',
    ema: hasEma,
  });
  try {
    const initial = initialWeights(step.parameters, policyRule, seed);
    step.write('weights', initial);
    if (hasEma) step.write('ema', initial);
    const result = resultOf(written, step.parameters);
    const chunks = spread(evaluated, MOST_CHUNKS);
    return await runTraining(plan, {
      step,
      batches: unetBatches(spec, { anchors: rows, batchSize, seed }),
      storage,
      identity: {
        kind: 'policy',
        ...commonIdentity(checked, options, rows.length),
        observationSteps,
        maskPadding,
        observations: written.inputs.map(({ name }) => name).join(' '),
        shape: JSON.stringify(unet),
        scheduler: JSON.stringify(scheduler),
      },
      resume: checked.resume,
      evaluate: async (at) => {
        let loss = 0;
        const some = spread(evaluated, VALIDATION_BATCHES * batchSize);
        const batches = Math.ceil(some.length / batchSize);
        for (let i = 0; i < batches; i++) {
          const chosen = some.subarray(i * batchSize, (i + 1) * batchSize);
          step.run(await unetBatch(spec, chosen, batchSize, { seed, step: i, noise: 'validationNoise' }), null);
          loss += (await step.metrics()).loss * (chosen.length / some.length);
        }
        const source = result.source(await step.read(hasEma ? 'ema' : 'weights'));
        const { error, samples } = await evaluateChunks(device, source, spec, chunks);
        const more = (await options.onEvaluate?.(source, at)) ?? {};
        const of = held.length > 0 ? 'validation' : 'training';
        return { figures: { [`${of} loss`]: loss, [`${of} chunk error`]: error, ...more }, samples };
      },
      publish: async (weights) => {
        await storage.write(MODEL_FILE, result.stream(weights));
        for (const [name, content] of result.files) {
          await storage.write(name, [typeof content === 'string' ? new TextEncoder().encode(content) : content]);
        }
      },
      onEvent: options.onEvent,
      signal,
      now: () => performance.now(),
    });
  } finally {
    step.dispose();
  }
}

/** The files of a policy, of weights as they are by now. */
function resultOf(
  written: WrittenPolicy,
  parameters: readonly ParameterInfo[],
): {
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  stream(weights: ReadonlyMap<string, Float32Array>): AsyncIterable<Uint8Array>;
  source(weights: ReadonlyMap<string, Float32Array>): CheckpointSource;
} {
  const files = policyFiles(written);
  return {
    files,
    stream: (weights) =>
      streamSafetensors(
        parameters.map(({ name, shape }) => ({ name, shape, values: async () => weights.get(name) as Float32Array })),
        MODEL_METADATA,
      ),
    source: (weights) => {
      const tensors = parameters.map(({ name, shape }) => ({
        name,
        dtype: 'F32' as const,
        shape,
        data: weights.get(name) as Float32Array,
      }));
      return memorySource('trained policy', {
        ...Object.fromEntries(files),
        [MODEL_FILE]: encodeSafetensors(tensors, { ...MODEL_METADATA }),
      });
    },
  };
}

function describePolicy(options: TrainPolicyOptions, { plan }: CheckedTrainOptions): WrittenPolicy {
  const { dataset } = options;
  const { horizon = 16, actionSteps = 8, observationSteps = 2, maskPadding = false } = options;
  checkInteger(WHERE, 'horizon', horizon, 1, 4096);
  checkInteger(WHERE, 'observationSteps', observationSteps, 1, Math.min(1024, horizon));
  checkInteger(WHERE, 'actionSteps', actionSteps, 1, horizon - observationSteps + 1);
  checkToggle(WHERE, 'maskPadding', maskPadding);
  const inputs = inOrder(chosenObservations(options)).map((feature) => writtenFeature(dataset, feature));
  const action = dataset.features.find(({ name, kind }) => name === ACTION && kind === 'vector');
  if (!action)
    throw new OptionError(`${WHERE}: expected a vector "${ACTION}" in the data set ${dataset.name}, found ${named(dataset.features)}.`);
  const frame = inputs.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const unet = checkedUnet(options.sizes === undefined ? {} : options.sizes, {
    horizon,
    actionDim: action.size,
    conditioningDim: observationSteps * frame,
  });
  const given = options.scheduler === undefined ? {} : options.scheduler;
  const scheduler = checkedScheduler(given);
  const { learningRate, beta1, beta2, epsilon, weightDecay, schedule, warmupSteps } = plan.optimizer;
  return {
    unet,
    scheduler,
    numInferenceSteps: given.numInferenceSteps === undefined ? null : given.numInferenceSteps,
    observationSteps,
    actionSteps,
    dropLastFrames: options.dropLastFrames ?? droppedFrames(horizon, actionSteps, observationSteps),
    maskPadding,
    inputs,
    action: writtenFeature(dataset, action),
    optimizer: { learningRate, betas: [beta1, beta2], epsilon, weightDecay, schedule, warmupSteps },
    crop: null,
  };
}

function chosenObservations({ dataset, observations }: TrainPolicyOptions): DatasetFeature[] {
  const vectors = dataset.features.filter(({ kind }) => kind === 'vector');
  if (!vectors.some(({ name }) => name === STATE)) {
    throw new OptionError(
      `${WHERE}: expected "${STATE}" in the data set ${dataset.name}, which every LeRobot policy reads, found ${named(dataset.features)}.`,
    );
  }
  if (observations === undefined) return vectors.filter(({ name }) => name === STATE || name === ENVIRONMENT);
  checkList(WHERE, 'observations', observations, (name) => checkText(WHERE, 'an observation', name), 1024);
  return [...new Set([STATE, ...observations])].map((name) => {
    const found = vectors.find((feature) => feature.name === name);
    if (found && (name === STATE || name === ENVIRONMENT)) return found;
    throw new OptionError(
      `${WHERE}: observations must be "${STATE}" and "${ENVIRONMENT}", the numbers that LeRobot's diffusion policies read, as far as the data set ` +
        `${dataset.name} has them, found "${name}".`,
    );
  });
}

function checkedUnet(sizes: Partial<UnetSizes>, fixed: Pick<UnetShape, 'horizon' | 'actionDim' | 'conditioningDim'>): UnetShape {
  const where = `${WHERE}: sizes`;
  checkObject(WHERE, 'sizes', sizes);
  checkKeys(where, sizes, Object.keys(SIZES));
  const unet = { ...fixed, ...SIZES, ...sizes };
  const { downDims, kernelSize, groups, stepEmbedDim, horizon } = unet;
  checkInteger(where, 'groups', groups, 1, 65_536);
  checkInteger(where, 'the number of downDims', checkList(where, 'downDims', downDims).length, 1, 16);
  downDims.forEach((dim, i) => {
    checkInteger(where, `downDims[${i}]`, dim, 1, 65_536);
    if (dim % groups !== 0) throw new OptionError(`${where}: downDims must be multiples of groups ${groups}, found ${dim}.`);
  });
  if ((downDims[0] as number) % FINAL_GROUPS !== 0) {
    throw new OptionError(
      `${where}: downDims[0] must be a multiple of ${FINAL_GROUPS}, the groups of the last norm, found ${downDims[0]}.`,
    );
  }
  if (horizon % 2 ** downDims.length !== 0) {
    throw new OptionError(
      `${WHERE}: horizon must be a multiple of ${2 ** downDims.length} for ${downDims.length} downDims, as LeRobot has it, found ${horizon}.`,
    );
  }
  checkInteger(where, 'kernelSize', kernelSize, 1, 255);
  if (kernelSize % 2 === 0) throw new OptionError(`${where}: kernelSize must be odd, found ${kernelSize}.`);
  checkInteger(where, 'stepEmbedDim', stepEmbedDim, 4, 65_536);
  if (stepEmbedDim % 2 !== 0) throw new OptionError(`${where}: stepEmbedDim must be even, found ${stepEmbedDim}.`);
  checkToggle(where, 'scaleModulation', unet.scaleModulation);
  return unet;
}

function checkedScheduler(given: Partial<SchedulerConfig>): SchedulerConfig {
  const where = `${WHERE}: scheduler`;
  checkObject(WHERE, 'scheduler', given);
  checkKeys(where, given, SCHEDULER_KEYS);
  const scheduler = { ...SCHEDULER, ...given };
  const { numTrainTimesteps: levels, numInferenceSteps } = scheduler;
  checkInteger(where, 'numTrainTimesteps', levels, 1, 100_000);
  checkChoice(where, 'type', scheduler.type, ['DDPM', 'DDIM']);
  checkChoice(where, 'betaSchedule', scheduler.betaSchedule, BETA_SCHEDULES);
  checkChoice(where, 'predictionType', scheduler.predictionType, ['epsilon', 'sample']);
  for (const end of ['betaStart', 'betaEnd'] as const) {
    checkNumber(where, end, scheduler[end], 'a number between 0 and 1', (beta) => beta > 0 && beta < 1);
  }
  checkToggle(where, 'clipSample', scheduler.clipSample);
  checkNumber(where, 'clipSampleRange', scheduler.clipSampleRange, 'a number above 0', (range) => range > 0 && range < Infinity);
  if (numInferenceSteps !== undefined) checkInteger(where, 'numInferenceSteps', numInferenceSteps, 1, levels);
  return { ...scheduler, numInferenceSteps: numInferenceSteps === undefined ? levels : numInferenceSteps };
}

/** Windows in the normalisation that the written files say: read from them, by what reads every policy. */
async function windowsSpec(dataset: Dataset, written: WrittenPolicy): Promise<{ readonly spec: WindowsSpec; readonly features: string[] }> {
  const { unet, observationSteps, scheduler, maskPadding, inputs } = written;
  const files = policyFiles(written);
  const source = memorySource('trained policy', Object.fromEntries(files));
  const config = readPolicyConfig(await readJsonObject(await source.open('config.json')), []);
  const { observations, action } = await processorNormalization(source, [...files.keys()], config.features, []);
  const frame = inputs.map(({ name, shape }, i): FramePart => {
    return { name, size: shape[0] as number, normalizer: observations[i]?.normalizer as Normalizer };
  });
  return {
    spec: {
      dataset,
      frame,
      action: { name: ACTION, size: unet.actionDim, normalizer: actionNormalizer(action) },
      horizon: unet.horizon,
      observationSteps,
      timesteps: scheduler.numTrainTimesteps,
      maskPadding,
    },
    features: [...inputs.map(({ name }) => name), ACTION],
  };
}

function writtenFeature(dataset: Dataset, { name, size }: DatasetFeature): WrittenFeature {
  const statistics = dataset.statistics.get(name);
  if (!statistics) {
    throw new OptionError(
      `${WHERE}: the data set ${dataset.name} has no statistics of "${name}": write it anew with \`warmstep dataset convert\`.`,
    );
  }
  const { min, max, mean, std, quantiles } = statistics;
  return { name, shape: [size], statistics: { min, max, mean, std, ...Object.fromEntries(quantiles) } };
}

function named(features: readonly DatasetFeature[]): string {
  return features.map(({ name }) => name).join(', ');
}

function noWindows(dataset: string, dropLastFrames: number): OptionError {
  return new OptionError(
    `${WHERE}: expected episodes of ${dataset} that are longer than ${dropLastFrames} frames and complete, found none. See what is missing with ` +
      '`warmstep dataset inspect`.',
  );
}
