import { readJsonObject } from '../../checkpoints/json-object.js';
import { ENVIRONMENT, STATE } from '../../checkpoints/lerobot/features.js';
import { readPolicyConfig } from '../../checkpoints/lerobot/policy-config.js';
import { processorNormalization } from '../../checkpoints/lerobot/processors.js';
import {
  DEFAULT_NORMALIZATION,
  inOrder,
  policyFiles,
  type WrittenFeature,
  type WrittenPolicy,
  type WrittenVision,
} from '../../checkpoints/lerobot/write-policy.js';
import { observationFeatures } from '../../checkpoints/read-policy.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset, DatasetFeature } from '../../datasets/dataset.js';
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
import type { ImageInputs, ObservationFeature, SchedulerConfig, Sides } from '../../spec/policy-spec.js';
import { BATCH_NORM_TRAININGS, type BatchNormTraining } from '../training-step.js';
import type { FramePart } from './frames.js';
import { checkInitialFeatures, checkInitialPolicy, initialNormalization, initialVision } from './initial-policy.js';
import { actionNormalizer } from './normalize.js';
import { type CheckedTrainOptions, droppedFrames, type TrainOptions } from './train-options.js';
import type { WindowsSpec } from './unet-batches.js';

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
  /**
   * Names of the observations that are read, the state among them in any case; cameras may be, and train an encoder of their own, a ResNet-18
   * from scratch, which all of them share. Default: the state, and the environment state where there is one.
   */
  readonly observations?: readonly string[];
  /** Height and width that pictures are cropped to: at random in training, in the middle afterwards. Default: not cropped. */
  readonly crop?: Sides;
  /**
   * A LeRobot checkpoint whose weights the run begins with, closed when they were read. Sizes, observations, crops and modes of normalisation are its
   * own, statistics those of the data set. Default: weights are drawn.
   */
  readonly initial?: CheckpointSource;
  /**
   * What batch norms of the initial policy's encoders normalise by: `batch`, statistics of each batch, which move the running ones, as LeRobot trains; or
   * `running`, those of the checkpoint, which stay. Default `batch`.
   */
  readonly batchNorm?: BatchNormTraining;
}

const WHERE = 'trainPolicy';
export const OWN_KEYS = [
  'sizes',
  'horizon',
  'actionSteps',
  'observationSteps',
  'scheduler',
  'maskPadding',
  'observations',
  'crop',
  'initial',
  'batchNorm',
];
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
const ACTION = 'action';
const KEYPOINTS = 32;
/** A policy from scratch has group norm: running statistics want weights that were trained before. */
const SCRATCH_VISION: WrittenVision = { backbone: 'resnet18', norm: 'group', keypoints: KEYPOINTS, isSeparate: false, resize: null };
const CHANNELS = 3;
/** What LeRobot normalises pictures by unless told otherwise, whatever the data set says. */
const IMAGENET = { min: [0, 0, 0], max: [1, 1, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Checks the options, and says what the policy will be, of `initial` where it goes on from one. @throws OptionError. */
export function describePolicy(options: TrainPolicyOptions, { plan }: CheckedTrainOptions, initial?: PolicyCheckpoint): WrittenPolicy {
  const { dataset } = options;
  if (initial) checkInitialPolicy(initial, options);
  const defaults = initial
    ? { horizon: initial.unet.horizon, actionSteps: initial.actionSteps, observationSteps: initial.observationSteps }
    : { horizon: 16, actionSteps: 8, observationSteps: 2 };
  const horizon = options.horizon === undefined ? defaults.horizon : options.horizon;
  const { actionSteps = defaults.actionSteps, maskPadding = false } = options;
  const observationSteps = options.observationSteps === undefined ? defaults.observationSteps : options.observationSteps;
  checkInteger(WHERE, 'horizon', horizon, 1, 4096);
  checkInteger(WHERE, 'observationSteps', observationSteps, 1, Math.min(1024, horizon));
  checkInteger(WHERE, 'actionSteps', actionSteps, 1, horizon - observationSteps + 1);
  checkToggle(WHERE, 'maskPadding', maskPadding);
  const names = initial?.observations.map(({ name }) => name);
  const chosen = inOrder(chosenObservations(names ? { ...options, observations: names } : options));
  const inputs = chosen.map((feature) => writtenFeature(dataset, feature));
  const action = dataset.features.find(({ name, kind }) => name === ACTION && kind === 'vector');
  if (!action)
    throw new OptionError(`${WHERE}: expected a vector "${ACTION}" in the data set ${dataset.name}, found ${named(dataset.features)}.`);
  if (initial) checkInitialFeatures(initial, chosen, action.size);
  const frame = chosen.reduce((sum, { kind, size }) => sum + (kind === 'vector' ? size : 2 * KEYPOINTS), 0);
  const fixed = { horizon, actionDim: action.size, conditioningDim: observationSteps * frame };
  const unet = initial ? initial.unet : checkedUnet(WHERE, options.sizes === undefined ? {} : options.sizes, fixed, 1);
  const given = options.scheduler === undefined ? {} : options.scheduler;
  const scheduler = checkedScheduler(given, initial?.scheduler);
  const vision = (initial && initialVision(initial)) ?? SCRATCH_VISION;
  checkBatchNorm(options.batchNorm, vision.norm);
  const { learningRate, beta1, beta2, epsilon, weightDecay, schedule, warmupSteps } = plan.optimizer;
  return {
    unet,
    scheduler,
    numInferenceSteps: writtenSteps(scheduler, given, initial !== undefined),
    observationSteps,
    actionSteps,
    dropLastFrames: options.dropLastFrames ?? droppedFrames(horizon, actionSteps, observationSteps),
    maskPadding,
    inputs,
    action: writtenFeature(dataset, action),
    optimizer: { learningRate, betas: [beta1, beta2], epsilon, weightDecay, schedule, warmupSteps },
    crop: initial ? (initial.images?.crop ?? null) : checkedCrop(options.crop, chosen),
    vision,
    normalization: initial ? initialNormalization(initial) : DEFAULT_NORMALIZATION,
  };
}

function chosenObservations({ dataset, observations }: TrainPolicyOptions): DatasetFeature[] {
  const { features } = dataset;
  const isVector = (feature: DatasetFeature): boolean => feature.name === STATE || feature.name === ENVIRONMENT;
  const usable = features.filter((feature) => (feature.kind === 'vector') === isVector(feature));
  if (!usable.some(({ name }) => name === STATE)) {
    throw new OptionError(
      `${WHERE}: expected "${STATE}" in the data set ${dataset.name}, which every LeRobot policy reads, found ${named(features)}.`,
    );
  }
  if (observations === undefined) return usable.filter(isVector);
  checkList(WHERE, 'observations', observations, (name) => checkText(WHERE, 'an observation', name), 1024);
  const chosen = [...new Set([STATE, ...observations])].map((name) => {
    const found = usable.find((feature) => feature.name === name);
    if (found) return found;
    throw new OptionError(
      `${WHERE}: observations must be "${STATE}", "${ENVIRONMENT}" and cameras, what LeRobot's diffusion policies read, as far as the data set ` +
        `${dataset.name} has them (${named(usable)}), found "${name}".`,
    );
  });
  const [first, ...others] = chosen.filter(({ kind }) => kind !== 'vector');
  const odd = others.find(({ shape }) => shape.join() !== first?.shape.join());
  if (first && odd) {
    throw new OptionError(
      `${WHERE}: expected cameras of one size, as LeRobot has it, found ${first.shape.join('×')} of "${first.name}" and ${odd.shape.join('×')} of "${odd.name}".`,
    );
  }
  return chosen;
}

function checkedCrop(crop: unknown, chosen: readonly DatasetFeature[]): Sides | null {
  if (crop === undefined) return null;
  const camera = chosen.find(({ kind }) => kind !== 'vector');
  if (!camera) throw new OptionError(`${WHERE}: crop is for cameras, and none is among the observations: leave it out, or name one.`);
  const sides = checkList<unknown>(WHERE, 'crop', crop as readonly unknown[], () => {}, 2);
  const [height, width] = [0, 1].map((side) => checkInteger(WHERE, `crop[${side}]`, sides[side], 1, camera.shape[side] as number));
  return [height as number, width as number];
}

/**
 * Sizes of a U-Net that is to be trained. `spare`: how often the horizon must be even beyond what the network halves it, as LeRobot has it.
 * @throws OptionError.
 */
export function checkedUnet(
  what: string,
  sizes: Partial<UnetSizes>,
  fixed: Pick<UnetShape, 'horizon' | 'actionDim' | 'conditioningDim'>,
  spare: 0 | 1,
): UnetShape {
  const where = `${what}: sizes`;
  checkObject(what, 'sizes', sizes);
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
  const multiple = 2 ** (downDims.length - 1 + spare);
  if (horizon % multiple !== 0) {
    const because = spare === 1 ? ', as LeRobot has it' : ', as often as it is halved';
    throw new OptionError(
      `${what}: horizon must be a multiple of ${multiple} for ${downDims.length} downDims${because}, found ${horizon}.`,
    );
  }
  checkInteger(where, 'kernelSize', kernelSize, 1, 255);
  if (kernelSize % 2 === 0) throw new OptionError(`${where}: kernelSize must be odd, found ${kernelSize}.`);
  checkInteger(where, 'stepEmbedDim', stepEmbedDim, 4, 65_536);
  if (stepEmbedDim % 2 !== 0) throw new OptionError(`${where}: stepEmbedDim must be even, found ${stepEmbedDim}.`);
  checkToggle(where, 'scaleModulation', unet.scaleModulation);
  return unet;
}

/** What config.json says of the steps of the policy's own sampler: null, as many as noise levels. */
function writtenSteps(scheduler: SchedulerConfig, given: Partial<SchedulerConfig>, isInitial: boolean): number | null {
  const { numInferenceSteps, numTrainTimesteps } = scheduler;
  return given.numInferenceSteps !== undefined || (isInitial && numInferenceSteps !== numTrainTimesteps) ? numInferenceSteps : null;
}

function checkBatchNorm(batchNorm: unknown, norm: WrittenVision['norm']): void {
  if (batchNorm === undefined) return;
  checkChoice(WHERE, 'batchNorm', batchNorm, BATCH_NORM_TRAININGS);
  if (norm !== 'batch') {
    throw new OptionError(`${WHERE}: batchNorm is for encoders with batch norm, and this policy has none: leave it out.`);
  }
}

function checkedScheduler(given: Partial<SchedulerConfig>, initial?: SchedulerConfig): SchedulerConfig {
  const where = `${WHERE}: scheduler`;
  checkObject(WHERE, 'scheduler', given);
  checkKeys(where, given, SCHEDULER_KEYS);
  const scheduler = { ...SCHEDULER, ...(initial && ownOf(initial)), ...given };
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

/** What a policy's scheduler says that LeRobot's configuration has a field for. */
function ownOf(scheduler: SchedulerConfig): Partial<SchedulerConfig> {
  return Object.fromEntries(Object.entries(scheduler).filter(([key]) => SCHEDULER_KEYS.includes(key)));
}

/** How a policy reads a data set. */
export interface PolicyWindows {
  /** Its frames are the vectors alone. */
  readonly spec: WindowsSpec;
  /** In the order of the conditioning vector. */
  readonly observations: readonly ObservationFeature[];
  readonly images: ImageInputs | undefined;
  /** Names in the data set that windows need. */
  readonly features: readonly string[];
}

/** Windows in the normalisation that the written files say: read from them, by what reads every policy. */
export async function policyWindows(dataset: Dataset, written: WrittenPolicy): Promise<PolicyWindows> {
  const { unet, observationSteps, scheduler, maskPadding, inputs } = written;
  const files = policyFiles(written);
  const source = memorySource('trained policy', Object.fromEntries(files));
  const config = await readPolicyConfig(await readJsonObject(await source.open('config.json')), []);
  const normalization = await processorNormalization(source, [...files.keys()], config.features, []);
  const observations = observationFeatures(config, normalization.observations);
  const frame = observations.flatMap((feature): FramePart[] => {
    const { kind, name, size, normalizer } = feature;
    return kind === 'vector' ? [{ name, size, normalizer }] : [];
  });
  return {
    spec: {
      dataset,
      frame,
      action: { name: ACTION, size: unet.actionDim, normalizer: actionNormalizer(normalization.action) },
      horizon: unet.horizon,
      observationSteps,
      timesteps: scheduler.numTrainTimesteps,
      maskPadding,
    },
    observations,
    images: config.images,
    features: [...inputs.map(({ name }) => name), ACTION],
  };
}

function writtenFeature(dataset: Dataset, { name, kind, size, shape }: DatasetFeature): WrittenFeature {
  if (kind !== 'vector') {
    const [height = 0, width = 0, channels] = shape;
    if (channels !== CHANNELS) {
      throw new OptionError(`${WHERE}: expected pictures of ${CHANNELS} channels, found ${channels} of "${name}".`);
    }
    return { name, shape: [channels, height, width], statistics: IMAGENET };
  }
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
