import { ENVIRONMENT, STATE } from '../../checkpoints/lerobot/features.js';
import type { WrittenFeature } from '../../checkpoints/lerobot/write-policy.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { openTorchvisionBackbone } from '../../checkpoints/torchvision/backbone.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset } from '../../datasets/dataset.js';
import { folderSource, openFile } from '../../platform/node/folder-source.js';
import { INTERPOLANTS, methodsByType } from '../../spec/method-networks.js';
import { type ObservationInfo, observationInfo } from '../../spec/policy-spec.js';
import { parseStrategy } from '../../strategies/parse.js';
import { type PredictorKind, strategyContext } from '../../strategies/strategy.js';
import type { Needs, Parsed } from '../../terminal/command-line.js';
import { choiceOption, given, integerListOption, integerOption, numberOption, required, UsageError } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import type { RunHistory } from '../../training/loop/history.js';
import type { MethodOptions, TrainableMethod } from '../../training/loop/methods/define.js';
import { TRAINED_METHOD_NAMES, TRAINED_METHODS, type TrainedMethodName } from '../../training/loop/methods/kinds.js';
import { trainMethod } from '../../training/loop/methods/train-method.js';
import { checkImageEncoder, IMAGE_ENCODERS, type ImageEncoderOptions } from '../../training/loop/own-encoder.js';
import { describePolicy, KEYPOINTS } from '../../training/loop/policy-description.js';
import { POLICY_PRESETS, PREDICTOR_PRESETS, PRESET_NAMES } from '../../training/loop/presets.js';
import { CVAE_RELEASES, presetsOf, trainCvae } from '../../training/loop/train-cvae.js';
import type { TrainOptions } from '../../training/loop/train-options.js';
import { checkedOptimizer } from '../../training/loop/train-options.js';
import { trainPolicy } from '../../training/loop/train-policy.js';
import { trainPredictor } from '../../training/loop/train-predictor.js';
import { checkedUnet } from '../../training/loop/unet-sizes.js';
import { BATCH_NORM_TRAININGS } from '../../training/training-step.js';
import { policyOfTask, readHeaders } from '../headers.js';
import { localFolder } from '../local-folder.js';
import { type ClosedLoop, checkClosedLoop, checkOwnStrategy, closedLoopOption, type ResultNetworks } from './closed-loop.js';
import { runOptions, TRAIN_OPTIONS, type TrainValues } from './options.js';

/** All options of `warmstep train`. */
export const OPTIONS = {
  ...TRAIN_OPTIONS,
  policy: { type: 'string' },
  'history-steps': { type: 'string' },
  dropout: { type: 'string' },
  'row-dropout': { type: 'string' },
  'history-noise': { type: 'string' },
  'down-dims': { type: 'string' },
  observations: { type: 'string' },
  crop: { type: 'string' },
  horizon: { type: 'string' },
  'action-steps': { type: 'string' },
  'observation-steps': { type: 'string' },
  'noise-scheduler': { type: 'string' },
  'inference-steps': { type: 'string' },
  'mask-padding': { type: 'boolean' },
  statistics: { type: 'string' },
  initial: { type: 'string' },
  backbone: { type: 'string' },
  'batch-norm': { type: 'string' },
  teacher: { type: 'string' },
  variant: { type: 'string' },
  'hidden-dim': { type: 'string' },
  prior: { type: 'string' },
  interpolant: { type: 'string' },
  release: { type: 'string' },
  'latent-dim': { type: 'string' },
  'hidden-layers': { type: 'string' },
  'projection-dim': { type: 'string' },
  'image-encoder': { type: 'string' },
  'embed-dim': { type: 'string' },
  'obs-dim': { type: 'string' },
  'image-keys': { type: 'string' },
  'state-keys': { type: 'string' },
} as const;

/** Of them, those that say nothing alone. */
export const NEEDS: Needs<typeof OPTIONS> = {
  episodes: ['task'],
  strategy: ['task'],
  'embed-dim': ['image-encoder'],
  'obs-dim': ['image-encoder'],
  'image-keys': ['image-encoder'],
  'state-keys': ['image-encoder'],
  'batch-norm': ['initial', 'backbone'],
};

/** What a command line makes of them. */
export type Values = Parsed<typeof OPTIONS>['values'];

export const NETWORKS = ['predictor', 'policy', 'cvae', ...TRAINED_METHOD_NAMES] as const;
export type Network = (typeof NETWORKS)[number];

/** Options of the command line by the names that the training functions have for them. */
export const OPTION_NAMES: Readonly<Record<string, string>> = {
  batchSize: 'batch',
  evaluateEvery: 'evaluate-every',
  saveEvery: 'save-every',
  learningRate: 'learning-rate',
  warmupSteps: 'warmup',
  weightDecay: 'weight-decay',
  clipNorm: 'clip',
  downDims: 'down-dims',
  actionSteps: 'action-steps',
  observationSteps: 'observation-steps',
  numInferenceSteps: 'inference-steps',
  historySteps: 'history-steps',
  observationDim: 'obs-dim',
  rowDropout: 'row-dropout',
  noise: 'history-noise',
  hiddenDim: 'hidden-dim',
  hiddenLayers: 'hidden-layers',
  latentDim: 'latent-dim',
  projectionDim: 'projection-dim',
  imageEncoder: 'image-encoder',
  embedDim: 'embed-dim',
  imageKeys: 'image-keys',
  stateKeys: 'state-keys',
  batchNorm: 'batch-norm',
  ...Object.fromEntries(
    [
      ...['steps', 'accumulate', 'seed', 'preset', 'precision', 'validation', 'horizon', 'crop', 'initial', 'backbone'],
      ...['observations', 'dropout', 'release', 'teacher', 'prior', 'variant', 'interpolant', 'ema', 'optimizer'],
    ].map((name) => [name, name]),
  ),
};

/** Options of methods by the command line's names. */
const METHOD_OPTIONS = {
  teacher: 'teacher',
  sizes: 'down-dims',
  horizon: 'horizon',
  actionSteps: 'action-steps',
  variant: 'variant',
  hiddenDim: 'hidden-dim',
  prior: 'prior',
  interpolant: 'interpolant',
  dropout: 'dropout',
} as const;

function methodOptions(name: TrainedMethodName): readonly (keyof Values)[] {
  return ['policy', ...TRAINED_METHODS[name].accepts.map((option) => METHOD_OPTIONS[option])];
}

/** Of networks that can have an image encoder of their own. */
const ENCODER_OPTIONS = ['image-encoder', 'embed-dim', 'image-keys', 'state-keys'] as const;

/** Options that not all networks have. */
export const OWN: Readonly<Record<Network, readonly (keyof Values)[]>> = {
  'consistency-teacher': methodOptions('consistency-teacher'),
  consistency: methodOptions('consistency'),
  bridger: methodOptions('bridger'),
  onedp: methodOptions('onedp'),
  'no-diffusion': methodOptions('no-diffusion'),
  sdp: methodOptions('sdp'),
  'rnr-dp': methodOptions('rnr-dp'),
  cvae: ['policy', 'release', 'dropout', 'latent-dim', 'hidden-dim', 'hidden-layers', 'projection-dim', ...ENCODER_OPTIONS],
  predictor: ['policy', 'history-steps', 'dropout', 'row-dropout', 'history-noise', 'obs-dim', ...ENCODER_OPTIONS],
  policy: [
    'down-dims',
    'observations',
    'crop',
    'horizon',
    'action-steps',
    'observation-steps',
    'noise-scheduler',
    'inference-steps',
    'mask-padding',
    'statistics',
    'initial',
    'backbone',
    'batch-norm',
  ],
};
const PREDICTOR_STEPS = 5_000;
const POLICY_STEPS = 100_000;

/** What is to be trained. */
export interface Job {
  readonly title: string;
  readonly steps: number;
  readonly closedLoop: ClosedLoop | undefined;
  /** Loads what lies on the Hub, and refuses what does not fit: before the data set is opened, and before `train` and `networks`. */
  check(): Promise<void>;
  /** Refuses what does not fit the data set, before a device is opened; default: `train` does. */
  checkDataset?(dataset: Dataset): Promise<void>;
  train(options: Omit<TrainOptions, 'steps'>): Promise<RunHistory>;
  /** What the result is run with in closed loop. */
  networks(result: CheckpointSource): ResultNetworks;
}

/**
 * The folder of a policy, fetched where it lies on the Hub. `predictor`: the kind of what the result has beside it; `check`: of the strategy that it is
 * evaluated with.
 * @throws OptionError where task or strategy cannot be evaluated with it.
 */
async function checkedPolicy(
  policy: string,
  closedLoop: ClosedLoop | undefined,
  predictor: PredictorKind | 'none',
  check = checkClosedLoop,
  expected: TrainableMethod['expected'] = undefined,
  options: MethodOptions = {},
): Promise<string> {
  const folder = await localFolder(policy);
  const headers = await readHeaders(folder);
  const methods = expected ? methodsByType([expected(headers, options)]) : {};
  if (closedLoop) check(closedLoop, policyOfTask(headers), strategyContext(headers, methods), predictor);
  return folder;
}

/** An image encoder of the network's own; empty where none was asked for. @throws UsageError. */
function encoderOptions(values: Values): { readonly imageEncoder?: ImageEncoderOptions } {
  const type = choiceOption('image-encoder', values['image-encoder'], IMAGE_ENCODERS);
  if (type === undefined) return {};
  const names = (text: string | undefined): string[] | undefined =>
    text === undefined ? undefined : text.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const imageEncoder = {
    type,
    ...given({
      embedDim: integerOption('embed-dim', values['embed-dim'], 4, 65_536),
      imageKeys: names(values['image-keys']),
      stateKeys: names(values['state-keys']),
    }),
  };
  return { imageEncoder: checkImageEncoder('train', imageEncoder) };
}

export function predictorJob(values: Values): Job {
  let policy = required('policy', values.policy);
  const runs = runOptions(values as TrainValues, PREDICTOR_STEPS, PREDICTOR_PRESETS);
  const own = {
    sizes: given({
      historySteps: integerOption('history-steps', values['history-steps'], 1, 4096),
      observationDim: integerOption('obs-dim', values['obs-dim'], 1, 65_536),
    }),
    history: given({
      rowDropout: numberOption('row-dropout', values['row-dropout'], 0, 1),
      noise: numberOption('history-noise', values['history-noise']),
    }),
    ...given({ dropout: numberOption('dropout', values.dropout, 0, 0.99) }),
    ...encoderOptions(values),
  };
  const closedLoop = closedLoopOption(values as TrainValues, 'step:2');
  return {
    title: 'training a predictor',
    steps: runs.steps,
    closedLoop,
    check: async () => {
      policy = await checkedPolicy(policy, closedLoop, 'network');
    },
    train: async (options) => trainPredictor({ ...options, ...runs, ...own, policy: await folderSource(policy) }),
    networks: (predictor) => ({ policy, predictor }),
  };
}

/** The releases count epochs, 3001 as a rule; a CVAE of their sizes is good long before. */
const CVAE_STEPS = 10_000;

export function cvaeJob(values: Values): Job {
  let policy = required('policy', values.policy);
  const release = choiceOption('release', values.release, CVAE_RELEASES) ?? 'step';
  const runs = runOptions(values as TrainValues, CVAE_STEPS, presetsOf(release));
  const own = {
    release,
    sizes: given({
      latentDim: integerOption('latent-dim', values['latent-dim'], 1, 4096),
      hiddenDim: integerOption('hidden-dim', values['hidden-dim'], 1, 65_536),
      hiddenLayers: integerOption('hidden-layers', values['hidden-layers'], 1, 16),
      projectionDim: integerOption('projection-dim', values['projection-dim'], 1, 65_536),
    }),
    ...given({ dropout: numberOption('dropout', values.dropout, 0, 0.99) }),
    ...encoderOptions(values),
  };
  const closedLoop = closedLoopOption(values as TrainValues, 'step:2/cold=zero-history');
  return {
    title: 'training a CVAE',
    steps: runs.steps,
    closedLoop,
    check: async () => {
      policy = await checkedPolicy(policy, closedLoop, 'cvae');
    },
    train: async (options) => trainCvae({ ...options, ...runs, ...own, policy: await folderSource(policy) }),
    networks: (predictor) => ({ policy, predictor }),
  };
}

/** Strategies that run what a method trains; a teacher is run by none. */
const METHOD_STRATEGIES: Readonly<Record<TrainedMethodName, string | undefined>> = {
  'consistency-teacher': undefined,
  consistency: 'consistency',
  bridger: 'bridger',
  onedp: 'onedp',
  'no-diffusion': 'no-diffusion',
  sdp: 'sdp',
  'rnr-dp': 'rnr-dp',
};

export function methodJob(name: TrainedMethodName, values: Values): Job {
  let policy = required('policy', values.policy);
  let { teacher, prior } = values;
  if (name === 'consistency') teacher = required('teacher', teacher);
  const runs = runOptions(values as TrainValues, TRAINED_METHODS[name].steps, PRESET_NAMES);
  const downDims = integerListOption('down-dims', values['down-dims'], 1, 65_536);
  const own = given({
    sizes: downDims && { downDims },
    horizon: integerOption('horizon', values.horizon, 1, 4096),
    actionSteps: integerOption('action-steps', values['action-steps'], 1, 4096),
    variant: choiceOption('variant', values.variant, ['stochastic', 'deterministic']),
    hiddenDim: integerOption('hidden-dim', values['hidden-dim'], 1, 65_536),
    interpolant: choiceOption('interpolant', values.interpolant, INTERPOLANTS),
    dropout: numberOption('dropout', values.dropout, 0, 0.99),
  });
  const strategy = METHOD_STRATEGIES[name];
  if (strategy === undefined && values.task !== undefined) throw new UsageError(`--task: ${name} makes no decisions: leave it out`);
  const closedLoop = strategy === undefined ? undefined : closedLoopOption(values as TrainValues, strategy);
  return {
    title: `training ${TRAINED_METHODS[name].title}`,
    steps: runs.steps,
    closedLoop,
    check: async () => {
      const isOwn = closedLoop?.strategy.options.name === (strategy && parseStrategy(strategy).options.name);
      const predictor = prior === undefined ? 'none' : 'cvae';
      const { expected }: TrainableMethod = TRAINED_METHODS[name];
      policy = isOwn
        ? await checkedPolicy(policy, closedLoop, predictor, checkOwnStrategy, expected, own)
        : await checkedPolicy(policy, closedLoop, predictor);
      if (teacher !== undefined) teacher = await localFolder(teacher);
      if (prior !== undefined) prior = await localFolder(prior);
    },
    train: async (options) =>
      trainMethod({
        ...options,
        ...runs,
        ...own,
        method: name,
        policy: await folderSource(policy),
        ...(teacher === undefined ? {} : { teacher: await folderSource(teacher) }),
        ...(prior === undefined ? {} : { prior: await folderSource(prior) }),
      }),
    networks: (methods) => ({ policy, methods, ...(prior === undefined ? {} : { predictor: prior }) }),
  };
}

export function policyJob(values: Values): Job {
  const runs = runOptions(values as TrainValues, POLICY_STEPS, POLICY_PRESETS);
  let { initial } = values;
  const { backbone } = values;
  const downDims = integerListOption('down-dims', values['down-dims'], 1, 65_536);
  const scheduler = choiceOption('noise-scheduler', values['noise-scheduler'], ['ddpm', 'ddim']);
  const own = {
    ...given({ sizes: downDims && { downDims } }),
    scheduler: given({
      type: scheduler === undefined ? undefined : scheduler === 'ddim' ? ('DDIM' as const) : ('DDPM' as const),
      numInferenceSteps: integerOption('inference-steps', values['inference-steps'], 1, 100),
    }),
    maskPadding: values['mask-padding'] === true,
    ...given({
      observations: values.observations?.split(',').map((name) => name.trim()),
      crop: sidesOption('crop', values.crop),
      horizon: integerOption('horizon', values.horizon, 1, 4096),
      actionSteps: integerOption('action-steps', values['action-steps'], 1, 4096),
      observationSteps: integerOption('observation-steps', values['observation-steps'], 1, 1024),
      batchNorm: choiceOption('batch-norm', values['batch-norm'], BATCH_NORM_TRAININGS),
    }),
  };
  const closedLoop = closedLoopOption(values as TrainValues, 'ddim:10');
  let from: PolicyCheckpoint | undefined;
  return {
    title: 'training a policy',
    steps: runs.steps,
    closedLoop,
    check: async () => {
      refuseTogether(values, own.observations ?? []);
      const { horizon = 16 } = own;
      if (initial === undefined) checkedUnet('trainPolicy', own.sizes ?? {}, { horizon, actionDim: 1, conditioningDim: 1 }, 1);
      if (initial !== undefined) {
        initial = await localFolder(initial);
        from = await readHeaders(initial);
      }
      if (backbone !== undefined) await checkBackbone(backbone);
    },
    checkDataset: async (dataset) => {
      const plan = { optimizer: checkedOptimizer('trainPolicy', runs.preset ?? 'lerobot', runs.optimizer) };
      // What batch norms do is up to the backbone's, which is not read yet.
      const { batchNorm, ...others } = own;
      const described = { ...others, dataset, ...given({ batchNorm: backbone === undefined ? batchNorm : undefined }) };
      const { scheduler, unet, observationSteps, actionSteps, inputs } = describePolicy(described, { plan }, from);
      if (closedLoop === undefined) return;
      const observations = from ? observationInfo(from.observations) : inputs.map(writtenInfo);
      const context = { scheduler, horizon: unet.horizon, actionDim: unet.actionDim, observationSteps, actionSteps };
      checkClosedLoop(closedLoop, { name: dataset.name, observations, actionDim: unet.actionDim }, context, 'none');
    },
    train: async (options) => {
      if (initial !== undefined) return trainPolicy({ ...options, ...runs, ...own, initial: await folderSource(initial) });
      noteUnread(options.dataset, own.observations ?? []);
      if (backbone === undefined) return trainPolicy({ ...options, ...runs, ...own });
      const file = await openFile(backbone);
      try {
        return await trainPolicy({ ...options, ...runs, ...own, backbone: file });
      } finally {
        await file.close();
      }
    },
    networks: (policy) => ({ policy }),
  };
}

/** An observation of a policy that is not written yet. */
function writtenInfo({ name, shape }: WrittenFeature): ObservationInfo {
  const [channels = 0, height, width] = shape;
  if (height === undefined || width === undefined) return { kind: 'vector', name, feature: name, size: channels };
  return { kind: 'image', name, feature: name, height, width, channels, features: 2 * KEYPOINTS };
}

/** Options that a policy to go on from says itself. */
const OF_INITIAL = ['backbone', 'down-dims', 'horizon', 'observation-steps', 'observations', 'crop'] as const;
/** Options of encoders. */
const OF_CAMERAS = ['backbone', 'crop'] as const;

/** What does not go together, as far as that can be said before the data set is opened. */
function refuseTogether(values: Values, observations: readonly string[]): void {
  if (values.initial !== undefined) {
    const other = OF_INITIAL.find((name) => values[name] !== undefined);
    if (other !== undefined) throw new UsageError(`--initial and --${other}: the policy says that itself, leave one of them out`);
    return;
  }
  const ofCameras = OF_CAMERAS.find((name) => values[name] !== undefined);
  if (ofCameras !== undefined && observations.every((name) => name === STATE || name === ENVIRONMENT)) {
    throw new UsageError(
      `--${ofCameras} is for cameras: name one with --observations, e.g. observation.images.front, or leave --${ofCameras} out`,
    );
  }
}

/** What is no backbone leaves no folder behind. */
async function checkBackbone(path: string): Promise<void> {
  const file = await openFile(path);
  try {
    await openTorchvisionBackbone(file);
  } finally {
    await file.close();
  }
}

/** Cameras that a policy does not read, and what LeRobot makes of one that reads the state alone. */
function noteUnread({ features }: Dataset, read: readonly string[]): void {
  const pictures = features.filter(({ kind }) => kind !== 'vector').map(({ name }) => name);
  const unread = pictures.filter((name) => !read.includes(name));
  if (unread.length > 0) printNote(`${unread.join(', ')} are not read: name them with --observations to train an encoder for them.`);
  if (unread.length < pictures.length || features.some(({ name }) => name === 'observation.environment_state')) return;
  printNote(
    'the policy reads observation.state alone; this engine runs it, LeRobot itself asks for pictures or observation.environment_state too.',
  );
}

/** HEIGHTxWIDTH. */
function sidesOption(name: string, text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [, height, width] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (height === undefined || width === undefined) throw new UsageError(`--${name} must be HEIGHTxWIDTH, e.g. 84x84, found "${text}"`);
  return [Number(height), Number(width)];
}
