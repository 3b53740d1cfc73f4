import { describe, expect, it } from 'vitest';
import { ComputeDevice } from '../../src/entries/core.js';
import * as training from '../../src/entries/training.js';
import { golden } from '../support/folders.js';
import { faultsOf, optionProbes, type Probe, Reached } from '../support/hostile.js';
import { memoryDataset } from '../support/memory-dataset.js';

/** Whatever gets as far as a device was not refused in time. */
const device = new Proxy(Object.create(ComputeDevice.prototype) as ComputeDevice, {
  get: () => {
    throw new Reached('the device');
  },
});
const dataset = memoryDataset(
  [20, 20],
  [
    { name: 'observation.state', size: 2, value: (row, channel) => row + channel },
    { name: 'observation.environment_state', size: 16, value: (row, channel) => row - channel },
    { name: 'action', size: 2, value: (row) => row },
  ],
);
const COMMON: training.TrainOptions = { device, dataset, storage: training.memoryStorage(), steps: 10 };
const KEYS = [
  'device',
  'dataset',
  'storage',
  'steps',
  'batchSize',
  'accumulate',
  'seed',
  'preset',
  'precision',
  'optimizer',
  'validation',
  'dropLastFrames',
  'metricsEvery',
  'evaluateEvery',
  'saveEvery',
  'resume',
  'onEvaluate',
  'onEvent',
  'signal',
] as const;
const EMPTY = ['an empty object', 'an object without prototype'];
const ACCEPTS = { optimizer: EMPTY, validation: ['0.5'], resume: ['true'], onEvaluate: ['a function'], onEvent: ['a function'] };

const POLICY: training.TrainPolicyOptions = { ...COMMON, sizes: { downDims: [8, 16] } };
const PREDICTOR: training.TrainPredictorOptions = { ...COMMON, policy: golden('state-ddim2/policy') };
const METHOD: training.TrainMethodOptions = { ...COMMON, method: 'sdp', policy: golden('state-ddim2/policy') };
const policyWith = (more: object): unknown => training.trainPolicy({ ...POLICY, ...more });
const CVAE: training.TrainCvaeOptions = { ...COMMON, policy: golden('state-ddim2/policy') };
const cvaeWith = (more: object): unknown => training.trainCvae({ ...CVAE, policy: golden('state-ddim2/policy'), ...more });
const predictorWith = (more: object): unknown => training.trainPredictor({ ...PREDICTOR, policy: golden('state-ddim2/policy'), ...more });

const TRAINING: readonly Probe[] = [
  ...optionProbes(
    'trainPolicy',
    POLICY,
    [
      ...KEYS,
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
    ],
    (options) => training.trainPolicy(options),
    { ...ACCEPTS, sizes: EMPTY, scheduler: EMPTY, maskPadding: ['true'], observations: ['an empty list'] },
  ).map((probe) => (probe.what === 'trainPolicy: options' ? { ...probe, accepts: [] } : probe)),
  ...(['downDims', 'kernelSize', 'groups', 'stepEmbedDim', 'scaleModulation'] as const).map((key) => ({
    what: `trainPolicy: sizes.${key}`,
    call: (value: never) => policyWith({ sizes: { downDims: [8, 16], [key]: value } }),
    accepts: key === 'scaleModulation' ? ['true'] : [],
  })),
  ...(
    [
      'type',
      'numTrainTimesteps',
      'betaSchedule',
      'betaStart',
      'betaEnd',
      'predictionType',
      'clipSample',
      'clipSampleRange',
      'numInferenceSteps',
    ] as const
  ).map((key) => ({
    what: `trainPolicy: scheduler.${key}`,
    call: (value: never) => policyWith({ scheduler: { [key]: value } }),
    accepts: { clipSample: ['true'], clipSampleRange: ['0.5', '1e300'], betaStart: ['0.5'], betaEnd: ['0.5'] }[key as string] ?? [],
  })),
  ...(['optimizer', 'learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'clipNorm', 'schedule', 'warmupSteps', 'ema'] as const).map(
    (key) => ({
      what: `trainPolicy: optimizer.${key}`,
      call: (value: never) => policyWith({ optimizer: { [key]: value } }),
      accepts:
        {
          learningRate: ['0.5', '1e300'],
          beta1: ['0.5'],
          beta2: ['0.5'],
          epsilon: ['0.5', '1e300'],
          weightDecay: ['0.5', '1e300'],
          clipNorm: ['null', '0.5', '1e300'],
          ema: ['null'],
        }[key as string] ?? [],
    }),
  ),
  ...optionProbes(
    'trainPredictor',
    PREDICTOR,
    [...KEYS, 'policy', 'sizes', 'dropout', 'history', 'imageEncoder'],
    (options) => training.trainPredictor(options),
    { ...ACCEPTS, sizes: EMPTY, dropout: ['0.5'], history: EMPTY },
  ).map((probe) => (probe.what === 'trainPredictor: options' ? { ...probe, accepts: [] } : probe)),
  ...(['historySteps', 'encoderLayers', 'decoderLayers', 'modelDim', 'heads', 'feedforwardDim'] as const).map((key) => ({
    what: `trainPredictor: sizes.${key}`,
    call: (value: never) => predictorWith({ sizes: { [key]: value } }),
  })),
  ...(['rowDropout', 'noise'] as const).map((key) => ({
    what: `trainPredictor: history.${key}`,
    call: (value: never) => predictorWith({ history: { [key]: value } }),
    accepts: key === 'noise' ? ['0.5', '1e300'] : ['0.5'],
  })),
  ...(['type', 'embedDim', 'imagenetNorm', 'imageKeys', 'stateKeys'] as const).map((key) => ({
    what: `trainPredictor: imageEncoder.${key}`,
    call: (value: never) => predictorWith({ imageEncoder: { type: 'small_conv', [key]: value } }),
  })),
  {
    what: 'trainPredictor: sizes.observationDim',
    call: (value: never) => predictorWith({ sizes: { observationDim: value }, imageEncoder: { type: 'small_conv' } }),
  },
  ...optionProbes(
    'trainCvae',
    CVAE,
    [...KEYS, 'policy', 'release', 'sizes', 'dropout', 'imageEncoder'],
    (options) => training.trainCvae(options),
    {
      ...ACCEPTS,
      sizes: EMPTY,
      dropout: ['0.5'],
    },
  ).map((probe) => (probe.what === 'trainCvae: options' ? { ...probe, accepts: [] } : probe)),
  ...(['latentDim', 'hiddenDim', 'hiddenLayers', 'projectionDim'] as const).map((key) => ({
    what: `trainCvae: sizes.${key}`,
    call: (value: never) => cvaeWith({ sizes: { [key]: value } }),
  })),
  ...optionProbes(
    'trainMethod',
    METHOD,
    [...KEYS, 'method', 'policy', 'sizes', 'horizon', 'actionSteps', 'teacher', 'variant', 'hiddenDim'],
    (options) => training.trainMethod(options),
    { ...ACCEPTS, sizes: EMPTY },
  ).map((probe) => (probe.what === 'trainMethod: options' ? { ...probe, accepts: [] } : probe)),
  {
    what: 'trainMethod: dropout of consistency-teacher',
    call: (value) =>
      training.trainMethod({ ...METHOD, method: 'consistency-teacher', policy: golden('state-ddim2/policy'), dropout: value }),
    accepts: ['0.5'],
  },
  {
    what: 'trainMethod: variant of onedp',
    call: (value) => training.trainMethod({ ...METHOD, method: 'onedp', policy: golden('state-ddim2/policy'), variant: value }),
  },
  {
    what: 'trainMethod: teacher of consistency',
    call: (value) => training.trainMethod({ ...METHOD, method: 'consistency', policy: golden('state-ddim2/policy'), teacher: value }),
  },
  ...(['prior', 'interpolant'] as const).map((key) => ({
    what: `trainMethod: ${key} of bridger`,
    call: (value: never) => training.trainMethod({ ...METHOD, method: 'bridger', policy: golden('state-ddim2/policy'), [key]: value }),
  })),
  {
    what: 'trainMethod: hiddenDim of no-diffusion',
    call: (value) => training.trainMethod({ ...METHOD, method: 'no-diffusion', policy: golden('state-ddim2/policy'), hiddenDim: value }),
  },
  { what: 'memoryStorage: the name', call: (value) => training.memoryStorage(value), accepts: ['a word', 'no text', 'a long text'] },
  { what: 'folderStorage', call: (value) => training.folderStorage(value) },
  {
    what: 'renderTrainingReport: the history',
    call: (value) => training.renderTrainingReport(value, { title: '', facts: [], steps: 1, isLive: false }),
  },
  {
    what: 'renderTrainingReport: the facts',
    call: (value) => training.renderTrainingReport({ steps: [], evaluations: [], samples: [] }, value),
  },
  ...(['steps', 'evaluations', 'samples'] as const).flatMap((key): Probe[] => [
    {
      what: `renderTrainingReport: ${key}`,
      call: (value) =>
        training.renderTrainingReport(
          { steps: [], evaluations: [], samples: [], [key]: value },
          { title: '', facts: [], steps: 1, isLive: false },
        ),
      accepts: ['an empty list'],
    },
    {
      what: `renderTrainingReport: one of ${key}`,
      call: (value) =>
        training.renderTrainingReport(
          { steps: [], evaluations: [], samples: [], [key]: [value] },
          { title: '', facts: [], steps: 1, isLive: false },
        ),
    },
  ]),
];

describe('whatever is handed to training', () => {
  it.each(TRAINING.map((probe) => [probe.what, probe] as const))('%s', async (_, probe) => {
    expect(await faultsOf(probe)).toEqual([]);
  });
});
