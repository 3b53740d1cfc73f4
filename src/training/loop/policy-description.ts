import { ACTION, ENVIRONMENT, STATE } from '../../checkpoints/lerobot/features.js';
import {
  DEFAULT_NORMALIZATION,
  inOrder,
  type WrittenFeature,
  type WrittenPolicy,
  type WrittenStatistics,
  type WrittenVision,
} from '../../checkpoints/lerobot/write-policy.js';
import type { ByteSource, CheckpointSource } from '../../checkpoints/source.js';
import type { TorchvisionBackbone } from '../../checkpoints/torchvision/backbone.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset, DatasetFeature } from '../../datasets/dataset.js';
import { OptionError } from '../../foundation/errors.js';
import { checkChoice, checkInteger, checkList, checkText, checkToggle } from '../../foundation/options.js';
import { IMAGENET } from '../../spec/network-shapes.js';
import type { SchedulerConfig, Sides } from '../../spec/policy-spec.js';
import { BATCH_NORM_TRAININGS, type BatchNormTraining } from '../training-step.js';
import {
  checkInitialFeatures,
  checkInitialPolicy,
  checkInitialStatistics,
  initialNormalization,
  initialPictureStatistics,
  initialVision,
} from './initial-policy.js';
import { checkedScheduler, writtenSteps } from './policy-scheduler.js';
import { checkBackboneUse, pretrainedVision } from './pretrained-backbone.js';
import type { RunPlan } from './run-training.js';
import { droppedFrames, type TrainOptions } from './train-options.js';
import { checkedUnet, type UnetSizes } from './unet-sizes.js';

export interface TrainPolicyOptions extends TrainOptions {
  /** Default: LeRobot's, 512/1024/2048. */
  readonly sizes?: Partial<UnetSizes>;
  /** H. Default 16. */
  readonly horizon?: number;
  /** Rows executed per decision. Default 8. */
  readonly actionSteps?: number;
  /** Frames that are read. Default 2. */
  readonly observationSteps?: number;
  /**
   * The noise schedule, and how the policy samples by itself. Default: LeRobot's, DDPM over 100 levels. Beside `initial`, `type` and `numInferenceSteps`
   * alone: how it samples. The rest is the checkpoint's, whose weights were trained with it.
   */
  readonly scheduler?: Partial<SchedulerConfig>;
  /** Leaves padded actions out of the loss (`do_mask_loss_for_padding`). Default false. */
  readonly maskPadding?: boolean;
  /**
   * Names of the observations that are read, the state among them in any case; cameras may be, and train an encoder of their own, a ResNet-18
   * from scratch, which all of them share, unless `backbone` says otherwise. Default: the state, and the environment state where there is one.
   */
  readonly observations?: readonly string[];
  /** Height and width that pictures are cropped to: at random in training, in the middle afterwards. Default: not cropped. */
  readonly crop?: Sides;
  /**
   * A LeRobot checkpoint whose weights the run begins with, closed when they were read. Sizes, observations, crops, noise schedule,
   * modes of normalisation and statistics of pictures are its own, statistics of vectors those of the data set. Default: weights are drawn.
   */
  readonly initial?: CheckpointSource;
  /**
   * Weights that the encoders of cameras begin with, in place of drawn ones: a file of a source (`await source.open(name)`), safetensors with the names of a
   * torchvision ResNet (`conv1.weight`, `layer1.0.conv1.weight`, …), such as ImageNet's, which also says which ResNet it is. As LeRobot has it beside
   * pretrained weights, norms are batch norms, and every camera has an encoder of its own. Not beside `initial`. Default: drawn, with group norms.
   */
  readonly backbone?: ByteSource;
  /**
   * What batch norms of encoders, the initial policy's or a backbone's, normalise by: `batch`, statistics of each batch, which move the running ones, as LeRobot trains; or
   * `running`, those that came with the weights, which stay. Default `batch`.
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
  'backbone',
  'batchNorm',
];
/** Of a camera's encoder, from scratch or from a backbone; its features are two of each. */
export const KEYPOINTS = 32;
/** A policy from scratch has group norm: running statistics want weights that were trained before. */
const SCRATCH_VISION: WrittenVision = { backbone: 'resnet18', norm: 'group', keypoints: KEYPOINTS, isSeparate: false, resize: null };
const CHANNELS = 3;
/** What LeRobot normalises pictures by unless told otherwise, whatever the data set says: of a policy from scratch. */
const PICTURES: WrittenStatistics = { min: [0, 0, 0], max: [1, 1, 1], ...IMAGENET };

/** Checks the options, and says what the policy will be, of `initial` where it goes on from one, with `backbone` where it was given. @throws OptionError. */
export function describePolicy(
  options: Omit<TrainPolicyOptions, 'device' | 'storage' | 'steps'>,
  { plan }: { readonly plan: Pick<RunPlan, 'optimizer'> },
  initial?: PolicyCheckpoint,
  backbone?: TorchvisionBackbone,
): WrittenPolicy {
  const { dataset } = options;
  if (initial) checkInitialPolicy(initial, options);
  const defaults = initial
    ? { horizon: initial.unet.horizon, actionSteps: initial.actionSteps, observationSteps: initial.observationSteps }
    : { horizon: 16, actionSteps: 8, observationSteps: 2 };
  const {
    horizon = defaults.horizon,
    actionSteps = defaults.actionSteps,
    observationSteps = defaults.observationSteps,
    maskPadding = false,
  } = options;
  checkInteger(WHERE, 'horizon', horizon, 1, 4096);
  checkInteger(WHERE, 'observationSteps', observationSteps, 1, Math.min(1024, horizon));
  checkInteger(WHERE, 'actionSteps', actionSteps, 1, horizon - observationSteps + 1);
  checkToggle(WHERE, 'maskPadding', maskPadding);
  const action = dataset.features.find(({ name, kind }) => name === ACTION && kind === 'vector');
  if (!action)
    throw new OptionError(`${WHERE}: expected a vector "${ACTION}" in the data set ${dataset.name}, found ${named(dataset.features)}.`);
  if (initial) checkInitialFeatures(initial, dataset, action.size);
  const names = initial?.observations.map(({ name }) => name);
  const chosen = inOrder(chosenObservations(names ? { ...options, observations: names } : options));
  if (backbone) {
    checkBackboneUse(
      WHERE,
      chosen.some(({ kind }) => kind !== 'vector'),
    );
  }
  const pictures = initial && initialPictureStatistics(initial);
  const inputs = chosen.map((feature) => writtenFeature(dataset, feature, pictures?.get(feature.name)));
  const normalization = initial ? initialNormalization(initial) : DEFAULT_NORMALIZATION;
  const frame = chosen.reduce((sum, { kind, size }) => sum + (kind === 'vector' ? size : 2 * KEYPOINTS), 0);
  const fixed = { horizon, actionDim: action.size, conditioningDim: observationSteps * frame };
  const unet = initial ? initial.unet : checkedUnet(WHERE, options.sizes === undefined ? {} : options.sizes, fixed, 1);
  const given = options.scheduler === undefined ? {} : options.scheduler;
  const scheduler = checkedScheduler(given, initial);
  const vision = (initial && initialVision(initial)) ?? (backbone ? pretrainedVision(backbone, KEYPOINTS) : SCRATCH_VISION);
  checkBatchNorm(options.batchNorm, vision.norm);
  const { learningRate, beta1, beta2, epsilon, weightDecay, schedule, warmupSteps } = plan.optimizer;
  const written: WrittenPolicy = {
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
    normalization,
  };
  if (initial) checkInitialStatistics(initial, written, dataset.name);
  return written;
}

function chosenObservations({ dataset, observations }: Pick<TrainPolicyOptions, 'dataset' | 'observations'>): DatasetFeature[] {
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

function checkBatchNorm(batchNorm: unknown, norm: WrittenVision['norm']): void {
  if (batchNorm === undefined) return;
  checkChoice(WHERE, 'batchNorm', batchNorm, BATCH_NORM_TRAININGS);
  if (norm !== 'batch') {
    throw new OptionError(`${WHERE}: batchNorm is for encoders with batch norm, and this policy has none: leave it out.`);
  }
}

/** `pictures`: statistics of a picture; the data set has those of a vector. */
function writtenFeature(
  dataset: Dataset,
  { name, kind, size, shape }: DatasetFeature,
  pictures: WrittenStatistics = PICTURES,
): WrittenFeature {
  if (kind !== 'vector') {
    const [height = 0, width = 0, channels] = shape;
    if (channels !== CHANNELS) {
      throw new OptionError(`${WHERE}: expected pictures of ${CHANNELS} channels, found ${channels} of "${name}".`);
    }
    return { name, shape: [channels, height, width], statistics: pictures };
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
