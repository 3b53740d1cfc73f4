import { describe, expect, it } from 'vitest';
import type { PolicyNetworks } from '../../src/decision/networks.js';
import * as checkpoints from '../../src/entries/checkpoints.js';
import { ControlLoop, type ControlLoopOptions } from '../../src/entries/control.js';
import * as core from '../../src/entries/core.js';
import * as datasets from '../../src/entries/datasets.js';
import * as diffusion from '../../src/entries/diffusion.js';
import * as evaluation from '../../src/entries/evaluation.js';
import * as gripper from '../../src/entries/gripper.js';
import * as pushT from '../../src/entries/push-t.js';
import * as recording from '../../src/entries/recording.js';
import * as robots from '../../src/entries/robots.js';
import * as so101 from '../../src/entries/so101.js';
import * as worker from '../../src/entries/worker.js';
import * as web from '../../src/platform/web/index.js';
import { Policy } from '../../src/policy/policy.js';
import * as lerobotServer from '../../src/sockets/lerobot/index.js';
import * as server from '../../src/sockets/openpi/index.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import { wavingSource } from '../support/arm-source.js';
import { arrayFiles, MemorySink, openFiles } from '../support/datasets.js';
import { FeetechArm } from '../support/feetech-arm.js';
import { golden } from '../support/folders.js';
import { faultsOf, optionProbes, type Probe, Reached } from '../support/hostile.js';
import { EPSILON } from '../support/toy.js';

const checkpoint = await checkpoints.loadPolicyCheckpoint(golden('state-ddim2/policy'));
const methods = await Promise.all(
  ['cp-3step', 'onedp-s', 'no-diffusion', 'sdp', 'rnr-dp', 'bridger-sde'].map(
    async (name) => (await checkpoints.loadMethodCheckpoint(golden(`methods/${name}/network`))).config,
  ),
);

/** Whatever gets as far as a device was not refused in time. */
const device = new Proxy({}, { get: (_, name) => (name === 'adapter' ? {} : reached()) });
const reached = (): never => {
  throw new Reached('the device');
};

function policyWithoutDevice(): Policy {
  return Policy.of({
    spec: checkpoint,
    methods: methodsByType(methods),
    createStrategy,
    placement: {
      networks: {
        device,
        unet: {},
        denoisers: new Map(methods.map(({ type }) => [type, {}])),
        predictor: undefined,
        destroy: () => {},
      } as unknown as PolicyNetworks,
      ownsDevice: false,
    },
    reopen: reached,
    onDeviceLost: 'fail',
    onReload: undefined,
    precision: 'f32',
    fingerprint: '',
    fileDtypes: [],
    strategy: { name: 'DDIM', steps: 2 },
    seed: 0,
    warnings: [],
    probes: [],
    onDecision: undefined,
    onDispose: undefined,
  });
}

const policy = policyWithoutDevice();
const { horizon, actionDim } = checkpoint.unet;
const SIZE = horizon * actionDim;
const frameOf = (steps: number): Record<string, number[]> =>
  Object.fromEntries(checkpoint.observations.map(({ name, size }) => [name, new Array<number>(steps * size).fill(0.1)]));
const FRAME = frameOf(1);
const WINDOW = frameOf(checkpoint.observationSteps);
const [FEATURE] = Object.keys(FRAME) as [string];
const CHUNK = { normalizedChunk: new Float32Array(SIZE), chunk: new Float32Array(SIZE) };
const SCHEDULE = diffusion.ddimSchedule({ ...EPSILON, steps: 2 });
const SAMPLE: core.DenoiseSample = { window: WINDOW, sample: new Float32Array(SIZE), schedule: SCHEDULE, trace: false, stepNoise: [] };
const episode = policy.beginEpisode();
const TASK = pushT.pushTTask({
  name: 'policy',
  observations: [{ name: 'state', feature: 'state', kind: 'state', size: 2 }],
  actionDim: 2,
} as never);
const STATE = { agentX: 1, agentY: 2, blockX: 3, blockY: 4, angle: 5 };

/** A number is no wrong number of the right kind where it is within range. */
const NUMBERS = ['-1', '0.5', '1e300'];
const TEXTS = ['a word', 'no text', 'a long text'];
const EMPTY = ['an empty object', 'an object without prototype'];

const POLICY: readonly Probe[] = [
  { what: 'act: the observation', call: (value) => policy.act(value) },
  { what: 'act: a feature', call: (value) => policy.act({ ...FRAME, [FEATURE]: value }) },
  {
    what: 'act: a value',
    call: (value) => policy.act({ ...FRAME, [FEATURE]: FRAME[FEATURE]?.map(() => value) as never }),
    accepts: ['-1', '0.5'],
  },
  ...optionProbes('act', {}, ['noise', 'stepNoise', 'latent', 'normals', 'episode'] as never[], (options) => policy.act(FRAME, options), {
    stepNoise: ['an empty list'],
    normals: ['a typed array'],
  } as never),
  { what: 'decide: the window', call: (value) => policy.decide(value) },
  ...optionProbes(
    'decide',
    { previous: [CHUNK] } as core.DecideOptions,
    ['noise', 'stepNoise', 'latent', 'normals', 'previous', 'seed', 'noiseKey'],
    (options) => policy.decide(WINDOW, options),
    { stepNoise: ['an empty list'], normals: ['a typed array'], previous: ['an empty list'] },
  ),
  { what: 'decide: a result in previous', call: (value) => policy.decide(WINDOW, { previous: [value] }) },
  ...(['seed', 'episode', 'decision', 'sample'] as const).map((key) => ({
    what: `decide: ${key} of noiseKey`,
    call: (value: never) =>
      policy.decide(WINDOW, { previous: [], noiseKey: { seed: 1, episode: 0, decision: 0, sample: 0, [key]: value } }),
  })),
  { what: 'decide: a third result', call: (value) => policy.decide(WINDOW, { previous: [CHUNK, CHUNK, value] }) },
  { what: 'decide: a chunk in previous', call: (value) => policy.decide(WINDOW, { previous: [{ ...CHUNK, chunk: value }] }) },
  {
    what: 'decide: a number of the noise',
    call: (value) => policy.decide(WINDOW, { noise: new Array(SIZE).fill(value) }),
    accepts: ['-1', '0.5'],
  },
  { what: 'decide: a row of the noise', call: (value) => policy.decide(WINDOW, { stepNoise: [value] }) },
  { what: 'decideAll: requests', call: (value) => policy.decideAll(value), accepts: ['an empty list'] },
  { what: 'decideAll: a request', call: (value) => policy.decideAll([value]) },
  { what: 'decideAll: an episode', call: (value) => policy.decideAll([{ episode: value, window: WINDOW }]) },
  { what: 'decideAll: a window', call: (value) => policy.decideAll([{ episode, window: value }]) },
  { what: 'decideAll: previous', call: (value) => policy.decideAll([{ window: WINDOW, previous: value }]), accepts: ['an empty list'] },
  { what: 'observe', call: (value) => policy.observe(value) },
  { what: 'decideAllSettled: requests', call: (value) => policy.decideAllSettled(value), accepts: ['an empty list'] },
  {
    what: 'decideAllSettled: a request',
    call: (value) => policy.decideAllSettled([value]).then(([one]) => (one?.status === 'rejected' ? Promise.reject(one.reason) : one)),
  },
  { what: 'reload: options', call: (value) => policy.reload(value), accepts: EMPTY },
  { what: 'reload: device', call: (value) => policy.reload({ device: value }) },
  { what: 'reload: signal', call: (value) => policy.reload({ signal: value }) },
  { what: 'reload: onProgress', call: (value) => policy.reload({ onProgress: value }), accepts: ['a function'] },
  { what: 'denoise: requests', call: (value) => policy.denoise(value), accepts: ['an empty list'] },
  { what: 'denoise: a request', call: (value) => policy.denoise([value]) },
  ...(['window', 'sample', 'schedule', 'stepNoise', 'trace'] as const).map((key) => ({
    what: `denoise: ${key}`,
    call: (value: never) => policy.denoise([{ ...SAMPLE, [key]: value }]),
    accepts: { trace: ['true'], stepNoise: ['an empty list'], window: [], sample: [], schedule: [] }[key],
  })),
  ...(['solver', 'steps', 'noisySteps'] as const).map((key) => ({
    what: `denoise: ${key} of a schedule`,
    call: (value: never) => policy.denoise([{ ...SAMPLE, schedule: { ...SCHEDULE, [key]: value } }]),
  })),
  { what: 'timeDecision: the window', call: (value) => policy.timeDecision(value) },
  { what: 'decisionCost: the strategy', call: (value) => policy.decisionCost(value), accepts: ['undefined'] },
  { what: 'prepare', call: (value) => policy.prepare(value), accepts: EMPTY },
  { what: 'prepare: where', call: (value) => policy.prepare({ on: value }) },
  { what: 'warmup: the batch', call: (value) => policy.warmup(value) },
  { what: 'warmup: the signal', call: (value) => policy.warmup(1, value) },
  { what: 'warmup: the listener', call: (value) => policy.warmup(1, undefined, value), accepts: ['a function'] },
  { what: 'useStrategy', call: (value) => policy.useStrategy(value) },
  ...optionProbes('beginEpisode', {} as core.EpisodeOptions, ['strategy', 'seed'], (options) => policy.beginEpisode(options), {
    seed: ['null'],
  }),
];

const KERNEL = {
  name: 'two frames',
  observations: [{ name: 'state', size: 1, values: [0, 1] }],
  actions: [0, 1],
  actionDim: 1,
  episodeEnds: [2],
} satisfies evaluation.KernelDemonstrations;
const kernel = evaluation.kernelPolicy(KERNEL);
const KERNEL_POLICY: readonly Probe[] = [
  { what: 'readDemonstrations: the file', call: (value) => evaluation.readDemonstrations(value) },
  { what: 'kernelPolicy: demonstrations', call: (value) => evaluation.kernelPolicy(value) },
  ...optionProbes(
    'kernelPolicy: demonstrations',
    KERNEL as evaluation.KernelDemonstrations,
    ['name', 'observations', 'actions', 'actionDim', 'episodeEnds'],
    (demonstrations) => evaluation.kernelPolicy(demonstrations),
    { name: TEXTS },
  ).slice(1),
  ...optionProbes(
    'kernelPolicy: an observation',
    { name: 'state', size: 1, values: [0, 1] } as evaluation.KernelObservation,
    ['name', 'size', 'values', 'scales', 'changes'],
    (observation) => evaluation.kernelPolicy({ ...KERNEL, observations: [observation] }),
    { name: TEXTS, changes: ['0.5'] },
  ).slice(1),
  ...optionProbes(
    'kernelPolicy',
    {} as evaluation.KernelPolicyOptions,
    ['strategy', 'seed', 'horizon', 'observationSteps', 'actionSteps', 'bandwidth', 'spread', 'continuity', 'neighbours'],
    (options) => evaluation.kernelPolicy(KERNEL, options),
    { bandwidth: ['0.5'], spread: ['0.5'], continuity: ['0.5'] },
  ),
  { what: 'act: of a kernel policy', call: (value) => kernel.act(value) },
  { what: 'act: options of a kernel policy', call: (value) => kernel.act({ state: [0] }, value), accepts: EMPTY },
  { what: 'decide: of a kernel policy', call: (value) => kernel.decide(value) },
  { what: 'decideAll: of a kernel policy', call: (value) => kernel.decideAll(value), accepts: ['an empty list'] },
  { what: 'decideAllSettled: of a kernel policy', call: (value) => kernel.decideAllSettled(value), accepts: ['an empty list'] },
  { what: 'beginEpisode: of a kernel policy', call: (value) => kernel.beginEpisode(value), accepts: EMPTY },
  { what: 'useStrategy: of a kernel policy', call: (value) => kernel.useStrategy(value) },
];

const strategyProbes = (
  strategy: core.StrategyOptions,
  keys: readonly string[],
  accepts: Record<string, readonly string[]> = {},
): Probe[] =>
  keys.map((key) => ({
    what: `strategy ${strategy.name}: ${key}`,
    call: (value: never) => policy.beginEpisode({ strategy: { ...strategy, [key]: value } as core.StrategyOptions }),
    accepts: accepts[key] ?? [],
  }));

const STRATEGIES: readonly Probe[] = [
  { what: 'parseStrategy', call: (value) => core.parseStrategy(value) },
  { what: 'parseStrategies', call: (value) => core.parseStrategies(value) },
  ...strategyProbes({ name: 'DDIM' }, ['name', 'steps', 'clip', 'timestepSpacing', 'eta', 'setAlphaToOne'], {
    clip: ['null', '0.5', '1e300'],
    eta: ['0.5'],
    setAlphaToOne: ['true'],
  }),
  ...strategyProbes({ name: 'DPM-Solver++' }, ['solverType', 'finalSigma', 'lambdaMinClipped'], { lambdaMinClipped: ['-1', '0.5'] }),
  ...strategyProbes({ name: 'STEP', predictor: 'shift' }, ['budget', 'warmStart', 'coldStart', 'stall', 'predictor', 'history'], {
    coldStart: EMPTY,
    stall: EMPTY,
  }),
  ...strategyProbes({ name: 'Consistency' }, ['steps', 'chaining', 'clip'], { clip: ['null', '0.5', '1e300'] }),
  ...strategyProbes({ name: 'OneDP' }, ['variant', 'clip'], { clip: ['null', '0.5', '1e300'] }),
  ...strategyProbes({ name: 'NO-Diffusion' }, ['clip'], { clip: ['null', '0.5', '1e300'] }),
  ...strategyProbes({ name: 'SDP' }, ['init', 'renoisePastSlots', 'clip'], { renoisePastSlots: ['true'], clip: ['null', '0.5', '1e300'] }),
  ...strategyProbes({ name: 'RNR-DP' }, ['observeEvery', 'clip'], { clip: ['null', '0.5', '1e300'] }),
  ...strategyProbes({ name: 'BRIDGER' }, ['steps', 'sde', 'prior']),
  ...strategyProbes({ name: 'RTI-DP' }, ['timesteps', 'gripper']),
  ...strategyProbes(
    { name: 'Falcon' },
    ['solver', 'steps', 'exploration', 'threshold', 'kappa', 'minTimestep', 'capacity', 'shiftOnReuse'],
    {
      exploration: ['0.5'],
      threshold: ['0.5', '1e300'],
      kappa: ['0.5', '1e300'],
      shiftOnReuse: ['true'],
    },
  ),
];

const source = golden('state-ddim2/policy');
const LINE = { write: async () => {}, onData: () => {}, onClose: () => {}, close: async () => {} };
const CALIBRATION = robots.readCalibration(new FeetechArm().calibration);
const ARM = { calibration: CALIBRATION, units: 'degrees', maxRelativeTarget: 5 } as const;
const follower = (): robots.SoFollower => new robots.SoFollower(new robots.FeetechBus(LINE), ARM);
const MOTORS: robots.SimulatedMotors = {
  voltage: 12,
  stepMs: 1,
  ranges: robots.JOINTS.map(() => [-9, 9] as const),
  readings: () => robots.JOINTS.map(() => 0),
  loads: () => robots.JOINTS.map(() => 0),
  setGoal: () => {},
  setTorque: () => {},
  setProportional: () => {},
  advance: () => {},
};
const ROBOTS: readonly Probe[] = [
  { what: 'FeetechBus: the line', call: (value) => new robots.FeetechBus(value) },
  ...optionProbes(
    'FeetechBus',
    {} as robots.FeetechBusOptions,
    ['timeoutMs', 'retries'],
    (options) => new robots.FeetechBus(LINE, options),
  ),
  ...optionProbes(
    'SoFollower',
    ARM as robots.SoFollowerOptions,
    ['calibration', 'units', 'maxRelativeTarget', 'writesCalibration'],
    (options) => new robots.SoFollower(new robots.FeetechBus(LINE), options),
    { maxRelativeTarget: ['0.5', 'Infinity', '1e300'], writesCalibration: ['true'] },
  ),
  { what: 'SoFollower: the bus', call: (value) => new robots.SoFollower(value, ARM) },
  { what: 'SimulatedArm: the motors', call: (value) => new robots.SimulatedArm(value) },
  ...(['voltage', 'stepMs', 'ranges'] as const).map(
    (key): Probe => ({
      what: `SimulatedArm: motors.${key}`,
      call: (value) => new robots.SimulatedArm({ ...MOTORS, [key]: value }).close(),
      accepts: key === 'ranges' ? [] : ['0.5'],
    }),
  ),
  ...optionProbes('SimulatedArm', {} as robots.SimulatedArmOptions, ['clock'], (options) =>
    new robots.SimulatedArm(MOTORS, options).close(),
  ),
  {
    what: 'SimulatedArm.receive',
    call: (value) => {
      const arm = new robots.SimulatedArm(MOTORS);
      try {
        arm.receive(value);
      } finally {
        arm.close();
      }
    },
  },
  { what: 'readCalibration', call: (value) => robots.readCalibration(value) },
  { what: 'openWebSerial', call: (value) => robots.openWebSerial(value) },
  { what: 'openSerialPort', call: (value) => robots.openSerialPort(value) },
  ...optionProbes(
    'ArmDrive',
    { tickMs: 30, moves: false, atEnd: 'relax' } as robots.ArmDriveOptions,
    ['tickMs', 'moves', 'atEnd', 'pictures', 'maxFailures'],
    (options) => new robots.ArmDrive(wavingSource(), follower(), options),
    { tickMs: ['0.5', '1e300'], moves: ['true'], pictures: ['a function'] },
  ),
  { what: 'ArmDrive: the source', call: (value) => new robots.ArmDrive(value, follower(), { tickMs: 30, moves: false, atEnd: 'relax' }) },
  { what: 'ArmDrive: the arm', call: (value) => new robots.ArmDrive(wavingSource(), value, { tickMs: 30, moves: false, atEnd: 'relax' }) },
];

const PORT = { postMessage: () => reached(), on: () => {} };
const WORKER: readonly Probe[] = [
  { what: 'openPolicyWorker: the worker', call: (value) => worker.openPolicyWorker(value, 'hf:someone/policy') },
  { what: 'openPolicyWorker: the source', call: (value) => worker.openPolicyWorker(PORT, value), accepts: TEXTS },
  ...optionProbes(
    'openPolicyWorker',
    {} as NonNullable<Parameters<typeof worker.openPolicyWorker>[2]>,
    ['signal', 'onProgress'],
    (options) => worker.openPolicyWorker(PORT, 'hf:someone/policy', options),
  ),
  { what: 'runPolicyWorker: the scope', call: (value) => worker.runPolicyWorker(value, reached) },
  { what: 'runPolicyWorker: loadPolicy', call: (value) => worker.runPolicyWorker(PORT, value), accepts: ['a function'] },
];

const LOADING: readonly Probe[] = [
  { what: 'urlSource', call: (value) => core.urlSource(value) },
  ...optionProbes(
    'urlSource',
    {} as NonNullable<Parameters<typeof core.urlSource>[1]>,
    ['files', 'headers', 'signal', 'onProgress', 'fetch'],
    (options) => core.urlSource('https://robot.test/policy', options),
    { files: ['an empty list'], headers: EMPTY, onProgress: ['a function'], fetch: ['a function'] },
  ),
  { what: 'hubSource', call: (value) => web.hubSource(value) },
  ...optionProbes(
    'hubSource',
    {} as NonNullable<Parameters<typeof web.hubSource>[1]>,
    ['token', 'endpoint', 'signal', 'onProgress', 'onWarning'],
    (options) => web.hubSource('hf:nobody', options),
  ),
  ...[web.loadPolicy, core.loadPolicy].flatMap((loadPolicy, i): Probe[] => [
    { what: `loadPolicy of ${['warmstep', 'warmstep/core'][i]}: the source`, call: (value) => loadPolicy(value) },
    ...optionProbes(
      `loadPolicy of ${['warmstep', 'warmstep/core'][i]}`,
      { signal: AbortSignal.abort(new core.OptionError('accepted')) } as core.LoadPolicyOptions,
      ['device', 'networks', 'precision', 'seed', 'signal', 'onProgress', 'onDecision', 'onDispose', 'probes'],
      (options) => loadPolicy(source, options),
    ),
    {
      what: `loadPolicy of ${['warmstep', 'warmstep/core'][i]}: the predictor`,
      call: (value) => loadPolicy(source, { networks: { predictor: value } }),
    },
    {
      what: `loadPolicy of ${['warmstep', 'warmstep/core'][i]}: a method's network`,
      call: (value) => loadPolicy(source, { networks: { methods: [value] } }),
    },
  ]),
  { what: 'loadPolicy: the adapter', call: (value) => web.loadPolicy(source, { adapter: value }) },
  { what: 'loadPolicy: the profile', call: (value) => web.loadPolicy(source, { profile: value }) },
  ...[web.openDevice, core.ComputeDevice.open].flatMap((open, i) =>
    optionProbes(
      `${['openDevice', 'ComputeDevice.open'][i]}`,
      { gpu: { requestAdapter: async () => null } } as core.OpenDeviceOptions,
      ['gpu', 'profile', 'timing', 'powerPreference', 'deviceClass', 'isPolled', 'transformShader'],
      (options) => open(options),
    ),
  ),
  { what: 'createGpu: the adapter', call: (value) => web.createGpu(value) },
  { what: 'createGpu: options', call: (value) => web.createGpu('auto', value) },
  { what: 'folderSource', call: (value) => web.folderSource(value) },
];

const CHECKPOINTS: readonly Probe[] = [
  { what: 'loadPolicyCheckpoint: the source', call: (value) => checkpoints.loadPolicyCheckpoint(value) },
  { what: 'loadPolicyCheckpoint: options', call: (value) => checkpoints.loadPolicyCheckpoint(source, value), accepts: EMPTY },
  { what: 'loadPolicyCheckpoint: the signal', call: (value) => checkpoints.loadPolicyCheckpoint(source, { signal: value }) },
  { what: 'loadPredictorCheckpoint: the source', call: (value) => checkpoints.loadPredictorCheckpoint(value) },
  { what: 'loadPredictorCheckpoint: the signal', call: (value) => checkpoints.loadPredictorCheckpoint(source, { signal: value }) },
  { what: 'loadMethodCheckpoint: the source', call: (value) => checkpoints.loadMethodCheckpoint(value) },
  { what: 'loadMethodCheckpoint: options', call: (value) => checkpoints.loadMethodCheckpoint(source, value), accepts: EMPTY },
  { what: 'loadMethodCheckpoint: the signal', call: (value) => checkpoints.loadMethodCheckpoint(source, { signal: value }) },
  { what: 'loadStartCheckpoint: the source', call: (value) => checkpoints.loadStartCheckpoint(value) },
  { what: 'loadStartCheckpoint: options', call: (value) => checkpoints.loadStartCheckpoint(source, value), accepts: EMPTY },
  { what: 'loadStartCheckpoint: the signal', call: (value) => checkpoints.loadStartCheckpoint(source, { signal: value }) },
  { what: 'memorySource: the name', call: (value) => core.memorySource(value, {}), accepts: TEXTS },
  { what: 'memorySource: files', call: (value) => core.memorySource('name', value), accepts: [...EMPTY] },
  {
    what: 'memorySource: a file',
    call: (value) => core.memorySource('name', { file: value }),
    accepts: TEXTS,
  },
  { what: 'blobSource: files', call: (value) => core.blobSource('name', value), accepts: ['an empty list'] },
  { what: 'blobSource: a file', call: (value) => core.blobSource('name', [value]) },
  { what: 'SafetensorsFile.open', call: (value) => checkpoints.SafetensorsFile.open(value) },
  { what: 'encodeSafetensors: tensors', call: (value) => checkpoints.encodeSafetensors(value), accepts: ['an empty list'] },
  { what: 'encodeSafetensors: a tensor', call: (value) => checkpoints.encodeSafetensors([value]) },
  { what: 'encodeSafetensors: metadata', call: (value) => checkpoints.encodeSafetensors([], value), accepts: EMPTY },
  ...(['name', 'dtype', 'shape', 'data'] as const).map((key) => ({
    what: `encodeSafetensors: ${key}`,
    call: (value: never) => checkpoints.encodeSafetensors([{ name: 'a', dtype: 'F32', shape: [2], data: [1, 2], [key]: value } as never]),
    accepts: key === 'name' ? TEXTS : [],
  })),
  {
    what: 'encodeSafetensors: a value',
    call: (value) => checkpoints.encodeSafetensors([{ name: 'a', dtype: 'F32', shape: [1], data: [value] }]),
    accepts: ['NaN', 'Infinity', ...NUMBERS, 'bigint'],
  },
];

const LOOP: ControlLoopOptions = { tickMs: 20, send: () => {}, onStop: () => {}, late: 'hold' };
const CONTROL: readonly Probe[] = [
  { what: 'ControlLoop: the policy', call: (value) => new ControlLoop(value, LOOP) },
  {
    what: 'ControlLoop: prepare of the policy',
    call: (value) =>
      new ControlLoop({ info: policy.info, decide: (window) => policy.decide(window), reset: () => {}, prepare: value }, LOOP),
    accepts: ['a function'],
  },
  ...optionProbes(
    'ControlLoop',
    LOOP,
    ['tickMs', 'send', 'onStop', 'late', 'limits', 'prepare', 'clock'],
    (options) => new ControlLoop(policy, options),
    { tickMs: ['0.5', '1e300'], send: ['a function'], onStop: ['a function'], limits: EMPTY },
  ),
  ...(['holdAction', 'maxMisses', 'actionSteps', 'lead', 'maxObservationAgeMs'] as const).map((key) => ({
    what: `ControlLoop: ${key}`,
    call: (value: never) => new ControlLoop(policy, { ...LOOP, [key]: value }),
    accepts: {
      maxMisses: ['null', 'Infinity', '0.5', '1e300'],
      maxObservationAgeMs: ['null', 'Infinity', '0.5', '1e300'],
      actionSteps: ['null'],
      lead: ['null'],
      holdAction: [],
    }[key],
  })),
  ...(['low', 'high', 'maxChange', 'mode'] as const).map((key) => ({
    what: `ControlLoop: limits.${key}`,
    call: (value: never) => new ControlLoop(policy, { ...LOOP, limits: { [key]: value } }),
    accepts: {
      low: ['null', 'Infinity', ...NUMBERS],
      high: ['null', 'Infinity', ...NUMBERS],
      maxChange: ['null', 'Infinity', '0.5', '1e300'],
      mode: ['null'],
    }[key],
  })),
  ...(['horizon', 'observationSteps', 'actionSteps', 'actionDim', 'observations'] as const).map((key) => ({
    what: `ControlLoop: info.${key}`,
    call: (value: never) => new ControlLoop({ info: { ...policy.info, [key]: value }, decide: async () => CHUNK, reset: () => {} }, LOOP),
    accepts: key === 'observations' ? ['an empty list'] : [],
  })),
  { what: 'ControlLoop.observe', call: (value) => new ControlLoop(policy, LOOP).observe(value) },
  { what: 'ControlLoop.on: the event', call: (value) => new ControlLoop(policy, LOOP).on(value, () => {}) },
  { what: 'ControlLoop.on: the listener', call: (value) => new ControlLoop(policy, LOOP).on('tick', value), accepts: ['a function'] },
  { what: 'ControlLoop.start: lastAction', call: (value) => new ControlLoop(policy, LOOP).start({ lastAction: value }) },
];

const PUSH_T: readonly Probe[] = [
  ...optionProbes('PushT', {} as pushT.PushTOptions, ['legacy'], (options) => new pushT.PushT(options), { legacy: ['true'] }),
  { what: 'PushT.reset', call: (value) => new pushT.PushT().reset(value) },
  { what: 'PushT.step', call: (value) => new pushT.PushT().step(value) },
  ...(
    [
      pushT.observeAgent,
      pushT.observeState,
      pushT.observeVertices,
      pushT.observeKeypoints,
      pushT.observeMaskedKeypoints,
      pushT.pushTObservation,
      pushT.drawPicture,
    ] as const
  ).flatMap((observe: (state: pushT.PushTState) => unknown): Probe[] => [
    { what: `${observe.name}: the state`, call: (value) => observe(value) },
    { what: `${observe.name}: a number`, call: (value) => observe({ ...STATE, agentX: value }), accepts: ['-1', '0.5'] },
  ]),
  { what: 'drawPicture: contact points', call: (value) => pushT.drawPicture(STATE, value), accepts: ['an empty list'] },
  { what: 'PushT.resetTo', call: (value) => new pushT.PushT().resetTo(value) },
  { what: 'PushT.placeAt', call: (value) => new pushT.PushT().placeAt(value) },
  { what: 'pushTTask', call: (value) => pushT.pushTTask(value) },
  {
    what: 'pushTTask: observations',
    call: (value) => pushT.pushTTask({ ...policy.info, observations: value, actionDim: 2 }),
    accepts: ['an empty list'],
  },
  { what: 'pushTTask: actionDim', call: (value) => pushT.pushTTask({ ...policy.info, actionDim: value }) },
];

const MUJOCO = (): Promise<never> => Promise.reject(new Reached('the package'));
const ANGLES = [0, 0, 0, 0, 0, 0];
const SO101: readonly Probe[] = [
  ...([so101.openSo101, so101.so101Task] as const).flatMap((open): Probe[] => [
    { what: `${open.name}: the task`, call: (value) => open(value, MUJOCO) },
    ...optionProbes(open.name, {} as so101.So101Options, ['voltage', 'p', 'friction', 'backlash', 'flicker'], (options) =>
      open('so101-stack-cube', 1 as never, options),
    ),
  ]),
  { what: 'openSo101: mujoco', call: (value) => so101.openSo101('so101-stack-cube', value) },
  { what: 'so101Task: mujoco', call: (value) => so101.so101Task('so101-stack-cube', value), accepts: ['a function'] },
  { what: 'so101Task: observed', call: (value) => so101.so101Task('so101-stack-cube', MUJOCO, {}, value) },
  { what: 'So101Motors: the environment', call: (value) => new so101.So101Motors(value) },
  { what: 'expertActions: the environment', call: (value) => so101.expertActions(value) },
  ...([so101.forwardKinematics, so101.toUnits, so101.fromUnits] as const).flatMap((convert): Probe[] => [
    { what: `${convert.name}: the values`, call: (value) => convert(value) },
    { what: `${convert.name}: a value`, call: (value) => convert([...ANGLES.slice(1), value]), accepts: NUMBERS },
  ]),
  { what: 'inverseKinematics: the target', call: (value) => so101.inverseKinematics(value), accepts: ['a typed array'] },
  { what: 'inverseKinematics: a number', call: (value) => so101.inverseKinematics([0.2, value, 0.1]), accepts: ['-1', '0.5'] },
  ...optionProbes(
    'inverseKinematics',
    {} as so101.InverseKinematicsOptions,
    ['pitch', 'roll', 'local'],
    (options) => so101.inverseKinematics([0.2, 0, 0.1], options),
    { pitch: ['-1', '0.5'], roll: ['-1', '0.5'], local: ['a typed array'] },
  ),
];

const GRIPPER: readonly Probe[] = [
  { what: 'openGripper: the task', call: (value) => gripper.openGripper(value, MUJOCO) },
  { what: 'openGripper: mujoco', call: (value) => gripper.openGripper('square', value) },
  { what: 'gripperTask: the task', call: (value) => gripper.gripperTask(value, MUJOCO) },
  { what: 'gripperTask: mujoco', call: (value) => gripper.gripperTask('square', value), accepts: ['a function'] },
  { what: 'gripperTask: observed', call: (value) => gripper.gripperTask('square', MUJOCO, value) },
  { what: 'gripperExpertActions: the environment', call: (value) => gripper.gripperExpertActions(value) },
];

const SOLVER = { ...EPSILON, steps: 4 };
const SOLVER_ACCEPTS = { clip: ['null', 'Infinity', '0.5', '1e300'] };
const NOISE_KEY = { seed: 1, episode: 0, decision: 0, purpose: 0 };
/** These take what a table of options brings along. */
const isKnown = ({ what }: Probe): boolean => !what.endsWith('an unknown option');
const DIFFUSION: readonly Probe[] = [
  ...optionProbes(
    'ddimSchedule',
    SOLVER as diffusion.DdimOptions,
    ['alphasCumprod', 'predictionType', 'clip', 'steps', 'eta', 'setAlphaToOne', 'timestepSpacing', 'timesteps'],
    diffusion.ddimSchedule,
    {
      ...SOLVER_ACCEPTS,
      eta: ['0.5'],
      setAlphaToOne: ['true'],
    },
  ),
  ...optionProbes(
    'ddpmSchedule',
    SOLVER as diffusion.DdpmOptions,
    ['alphasCumprod', 'predictionType', 'clip', 'steps', 'predecessor', 'timestepSpacing', 'timesteps'],
    diffusion.ddpmSchedule,
    SOLVER_ACCEPTS,
  ),
  ...optionProbes(
    'dpmSolverSchedule',
    SOLVER as diffusion.DpmSolverOptions,
    ['alphasCumprod', 'predictionType', 'clip', 'steps', 'solverType', 'finalSigma', 'lambdaMinClipped', 'timestepSpacing'],
    diffusion.dpmSolverSchedule,
    {
      ...SOLVER_ACCEPTS,
      lambdaMinClipped: ['-1', '0.5'],
    },
  ),
  { what: 'alphasCumprod: options', call: (value) => diffusion.alphasCumprod(value, 'exact') },
  {
    what: 'alphasCumprod: arithmetic',
    call: (value) => diffusion.alphasCumprod({ numTrainTimesteps: 9, betaSchedule: 'linear', betaStart: 0.1, betaEnd: 0.2 }, value),
  },
  ...(['numTrainTimesteps', 'betaSchedule', 'betaStart', 'betaEnd'] as const).map((key) => ({
    what: `alphasCumprod: ${key}`,
    call: (value: never) =>
      diffusion.alphasCumprod({ numTrainTimesteps: 9, betaSchedule: 'linear', betaStart: 0.1, betaEnd: 0.2, [key]: value }, 'exact'),
    accepts: key.startsWith('beta') && key !== 'betaSchedule' ? ['0.5'] : [],
  })),
  { what: 'fillNormal: out', call: (value) => diffusion.fillNormal(value, NOISE_KEY), accepts: ['a typed array'] },
  { what: 'fillNormal: the key', call: (value) => diffusion.fillNormal(new Float32Array(3), value) },
  ...(['seed', 'episode', 'decision', 'purpose'] as const).map((key) => ({
    what: `fillNormal: ${key}`,
    call: (value: never) => diffusion.fillNormal(new Float32Array(3), { ...NOISE_KEY, [key]: value }),
  })),
  { what: 'makeSchedule: the solver', call: (value) => diffusion.makeSchedule(value, SCHEDULE.steps) },
  { what: 'makeSchedule: steps', call: (value) => diffusion.makeSchedule('DDIM', value), accepts: ['an empty list'] },
  { what: 'resumeSchedule: the schedule', call: (value) => diffusion.resumeSchedule(value, 0) },
  { what: 'resumeSchedule: the step', call: (value) => diffusion.resumeSchedule(SCHEDULE, value) },
];

const STRATEGY = core.parseStrategy('ddim:2');
const RECORD: evaluation.EvaluationRecord = {
  format: 'warmstep-evaluation',
  version: 1,
  task: 'push-t',
  maxTicks: 2,
  policy: { name: 'policy', parameters: 1, predictor: null },
  precision: 'f32',
  adapter: { description: 'adapter', isSoftware: true },
  seed: 0,
  episodes: 1,
  softwareVersion: '0',
  date: '2026-01-01T00:00:00Z',
  strategies: [
    {
      ...STRATEGY,
      description: 'DDIM 2',
      episodes: [
        { seed: 0, score: 1, success: true, ticks: 1, decisions: 1, evaluations: 2, screening: 0, stalls: 0, jumps: [1], rewards: [1] },
      ],
      latency: { samplesMs: [1, 2, 3] },
    },
  ],
  grids: [{ axes: [{ option: 'steps', values: ['2'] }], cells: [STRATEGY.name] }],
};
const EVALUATION: readonly Probe[] = [
  { what: 'evaluate: the policy', call: (value) => evaluation.evaluate(value, { task: TASK, strategy: STRATEGY, seeds: [], parallel: 1 }) },
  ...optionProbes(
    'evaluate',
    { task: TASK, strategy: STRATEGY, seeds: [], parallel: 1 } as evaluation.EvaluateOptions,
    ['task', 'strategy', 'seeds', 'parallel', 'keepReplay', 'onEpisode', 'onRound', 'stepTimeoutMs', 'signal'],
    (options) => evaluation.evaluate(policy, options),
    {
      seeds: ['an empty list'],
      keepReplay: ['a function'],
      onEpisode: ['a function'],
      onRound: ['a function'],
      stepTimeoutMs: ['Infinity', '0.5', '1e300'],
    },
  ),
  { what: 'playEpisode: the policy', call: (value) => evaluation.playEpisode(value, { task: TASK, seed: 0 }) },
  ...optionProbes(
    'playEpisode',
    { task: TASK, seed: 0, isEnough: () => true } as evaluation.PlayOptions,
    ['task', 'seed', 'strategy', 'keepReplay', 'signal', 'isEnough', 'onDecision', 'onTick'],
    (options) => evaluation.playEpisode(policy, options),
    { keepReplay: ['true'], isEnough: ['a function'], onDecision: ['a function'], onTick: ['a function'] },
  ),
  ...optionProbes(
    'measureLatency',
    { task: TASK, strategy: STRATEGY, seed: 0, decisions: 1, budgetMs: 1 } as evaluation.LatencyOptions,
    ['task', 'strategy', 'seed', 'decisions', 'budgetMs', 'signal'],
    (options) => evaluation.measureLatency(policy, options),
    { budgetMs: ['Infinity', '0.5', '1e300'] },
  ),
  ...[evaluation.summarize, (record: evaluation.EvaluationRecord) => evaluation.renderReport(record)].flatMap((use, i): Probe[] => [
    { what: `${['summarize', 'renderReport'][i]}: the record`, call: (value) => use(value) },
    ...(Object.keys(RECORD) as (keyof evaluation.EvaluationRecord)[]).map((key) => ({
      what: `${['summarize', 'renderReport'][i]}: ${key}`,
      call: (value: never) => use({ ...RECORD, [key]: value }),
      accepts:
        {
          task: i === 0 ? TEXTS : [],
          date: TEXTS,
          softwareVersion: TEXTS,
          strategies: i === 0 ? ['an empty list'] : [],
          grids: ['an empty list'],
        }[key as string] ?? [],
    })),
  ]),
  { what: 'renderReport: the scene', call: (value) => evaluation.renderReport(RECORD, value) },
  { what: 'compareWithReference: the record', call: (value) => evaluation.compareWithReference(value, { scores: {} }) },
  { what: 'compareWithReference: the reference', call: (value) => evaluation.compareWithReference(RECORD, value) },
  { what: 'compareWithReference: scores', call: (value) => evaluation.compareWithReference(RECORD, { scores: value }), accepts: EMPTY },
  { what: 'compareWithReference: a strategy', call: (value) => evaluation.compareWithReference(RECORD, { scores: { ddim: value } }) },
];

const DATASET = await openFiles(arrayFiles([9, 8]), { fps: 10 });
const STATISTICS = DATASET.statistics.get('action') as datasets.FeatureStatistics;
const WINDOWS: datasets.WindowSpec = { horizon: 4, observationSteps: 2, observations: ['state'] };
const NORMALIZER = datasets.normalizerOf(STATISTICS, 'min-max');
const ANCHORS = Int32Array.of(1, 2);
const firstBatch = (options: datasets.BatchOptions): Promise<unknown> => datasets.windowBatches(DATASET, WINDOWS, ANCHORS, options).next();
const write = (options: datasets.WriteOptions): Promise<unknown> => datasets.writeLeRobotDataset(DATASET, new MemorySink(), options);

const DATASETS: readonly Probe[] = [
  { what: 'openDataset: the source', call: (value) => datasets.openDataset(value) },
  { what: 'openDataset: an option', call: (value) => openFiles(arrayFiles([5]), value) },
  ...optionProbes(
    'openDataset',
    { fps: 10 } as datasets.OpenDatasetOptions,
    ['fps', 'cacheBytes', 'timestampTolerance', 'codecs'],
    (options) => openFiles(arrayFiles([5]), options),
    { fps: ['0.5'], timestampTolerance: ['0.5', '1e300'], codecs: EMPTY },
  ).filter(({ what }) => !what.endsWith(': options')),
  { what: 'openDataset: readRows: the feature', call: (value) => DATASET.readRows(value, 0, 1) },
  { what: 'openDataset: readRows: from', call: (value) => DATASET.readRows('state', value, 3) },
  { what: 'openDataset: readRows: to', call: (value) => DATASET.readRows('state', 0, value) },
  { what: 'openDataset: readPicture: the feature', call: (value) => DATASET.readPicture(value, 0) },
  { what: 'openDataset: readPictures: the feature', call: (value) => DATASET.readPictures(value, 0, 1)[Symbol.asyncIterator]().next() },
  {
    what: 'computeStatistics: the data set',
    call: (value) => datasets.computeStatistics(value, DATASET.features[0] as datasets.DatasetFeature),
  },
  { what: 'computeStatistics: the feature', call: (value) => datasets.computeStatistics(DATASET, value) },
  ...[datasets.normalizerOf, datasets.unnormalizerOf].flatMap((use, i): Probe[] => {
    const name = ['normalizerOf', 'unnormalizerOf'][i];
    return [
      { what: `${name}: statistics`, call: (value) => use(value, 'min-max') },
      { what: `${name}: min`, call: (value) => use({ ...STATISTICS, min: value }, 'min-max') },
      { what: `${name}: quantiles`, call: (value) => use({ ...STATISTICS, quantiles: value }, 'quantiles') },
      { what: `${name}: mode`, call: (value) => use(STATISTICS, value) },
    ];
  }),
  { what: 'normalizeRows: values', call: (value) => datasets.normalizeRows(value, NORMALIZER), accepts: ['a typed array'] },
  { what: 'normalizeRows: the normalizer', call: (value) => datasets.normalizeRows(new Float32Array(4), value) },
  { what: 'anchors: the data set', call: (value) => datasets.anchors(value) },
  ...optionProbes(
    'anchors',
    {} as datasets.AnchorOptions,
    ['dropLastFrames', 'features', 'episodes'],
    (options) => datasets.anchors(DATASET, options),
    {
      features: ['an empty list'],
      episodes: ['an empty list'],
    },
  ),
  { what: 'order: count', call: (value) => datasets.order(value, 1, 1) },
  { what: 'order: seed', call: (value) => datasets.order(9, value, 1) },
  { what: 'order: epoch', call: (value) => datasets.order(9, 1, value) },
  { what: 'episodeOf: the data set', call: (value) => datasets.episodeOf(value, 1) },
  { what: 'episodeOf: the row', call: (value) => datasets.episodeOf(DATASET, value) },
  { what: 'readAround: the data set', call: (value) => datasets.readAround(value, 'state', ANCHORS, 0, 1) },
  { what: 'readAround: the feature', call: (value) => datasets.readAround(DATASET, value, ANCHORS, 0, 1) },
  {
    what: 'readAround: anchors',
    call: (value) => datasets.readAround(DATASET, 'state', value, 0, 1),
    accepts: ['an empty list', 'a typed array', 'no text'],
  },
  { what: 'readAround: first', call: (value) => datasets.readAround(DATASET, 'state', ANCHORS, value, 1), accepts: ['-1'] },
  { what: 'readAround: count', call: (value) => datasets.readAround(DATASET, 'state', ANCHORS, 0, value) },
  { what: 'readAround: the normalizer', call: (value) => datasets.readAround(DATASET, 'action', ANCHORS, 0, 1, value) },
  { what: 'readWindows: the data set', call: (value) => datasets.readWindows(value, WINDOWS, ANCHORS) },
  { what: 'readWindows: the specification', call: (value) => datasets.readWindows(DATASET, value, ANCHORS) },
  ...(['horizon', 'observationSteps', 'observations', 'pictures', 'action', 'normalizers'] as const).map((key) => ({
    what: `readWindows: ${key}`,
    call: (value: never) => datasets.readWindows(DATASET, { ...WINDOWS, [key]: value }, ANCHORS),
    accepts: { observations: ['an empty list'], pictures: ['an empty list'] }[key as string] ?? [],
  })),
  {
    what: 'readWindows: anchors',
    call: (value) => datasets.readWindows(DATASET, WINDOWS, value),
    accepts: ['an empty list', 'a typed array'],
  },
  {
    what: 'windowBatches: the data set',
    call: (value) => datasets.windowBatches(value, WINDOWS, ANCHORS, { batchSize: 1, seed: 1 }).next(),
  },
  {
    what: 'windowBatches: anchors',
    call: (value) => datasets.windowBatches(DATASET, WINDOWS, value, { batchSize: 1, seed: 1 }).next(),
    accepts: ['a typed array'],
  },
  ...optionProbes('windowBatches', { batchSize: 1, seed: 1 } as datasets.BatchOptions, ['batchSize', 'seed', 'position'], firstBatch).map(
    (probe) => (probe.what.endsWith(': options') ? { ...probe, accepts: [] } : probe),
  ),
  { what: 'writeLeRobotDataset: the data set', call: (value) => datasets.writeLeRobotDataset(value, new MemorySink()) },
  { what: 'writeLeRobotDataset: the sink', call: (value) => datasets.writeLeRobotDataset(DATASET, value) },
  ...optionProbes(
    'writeLeRobotDataset',
    {} as datasets.WriteOptions,
    ['features', 'task', 'robot', 'fileBytes', 'onEpisode', 'signal'],
    write,
    { task: ['a word', 'no text'], robot: ['a word', 'no text'], onEpisode: ['a function'] },
  ),
  ...(['name', 'from', 'first', 'count', 'names', 'compute'] as const).map((key) => ({
    what: `writeLeRobotDataset: ${key} of a feature`,
    call: (value: never) => write({ features: [{ name: 'x', from: 'state', [key]: value }] }),
    accepts: key === 'name' ? ['a word'] : [],
  })),
];

const loopOf = (): ControlLoop => new ControlLoop(policy, { tickMs: 20, late: 'hold', send: () => {}, onStop: () => {} });
const SINK: recording.RecordingSink = { write: () => {} };
const RECORDED: recording.LoopRecording = {
  metadata: new Map(),
  observations: [],
  actions: [],
  decisions: [],
  log: [],
  pictures: new Map(),
  dropped: {},
  cut: undefined,
};

const RECORDING: readonly Probe[] = [
  { what: 'recordLoop: the loop', call: (value) => recording.recordLoop(value, SINK) },
  { what: 'recordLoop: the sink', call: (value) => recording.recordLoop(loopOf(), value) },
  ...optionProbes(
    'recordLoop',
    {} as recording.RecordLoopOptions,
    ['images', 'imageInterval', 'queueBytes', 'metadata', 'onError'],
    (options) => recording.recordLoop(loopOf(), SINK, options),
    { imageInterval: ['null'], queueBytes: ['null'], metadata: EMPTY, onError: ['a function'] },
  ),
  { what: 'readLoopRecording', call: (value) => recording.readLoopRecording(value) },
  { what: 'readLoopRecording: a piece', call: (value) => recording.readLoopRecording([value]) },
  { what: 'replayDecisions: the recording', call: (value) => recording.replayDecisions(value, policy).next() },
  { what: 'replayDecisions: the policy', call: (value) => recording.replayDecisions(RECORDED, value).next() },
  { what: 'plotRecording', call: (value) => recording.plotRecording(value) },
];

/** Options come first; what is asked of the policy then says that they were taken. */
const unserved = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : reached()), has: () => false }) as Policy;
const SERVERS: readonly Probe[] = [
  { what: 'servePolicy: the policy', call: (value) => server.servePolicy(value, { port: 0 }) },
  ...optionProbes(
    'servePolicy',
    {} as server.ServePolicyOptions,
    [
      ...(['host', 'port', 'keyMap', 'tickMs', 'apiKey', 'tls', 'allowOrigins', 'maxBatch', 'maxConnections', 'maxWaiting'] as const),
      ...(['maxPayload', 'idleMs', 'pingMs', 'graceMs', 'onEvent'] as const),
    ],
    (options) => server.servePolicy(unserved, options),
    { keyMap: EMPTY, allowOrigins: ['an empty list'], onEvent: ['a function'] },
  ),
  { what: 'servePolicy: an origin', call: (value) => server.servePolicy(unserved, { allowOrigins: [value] }) },
  { what: 'servePolicy: a feature', call: (value) => server.servePolicy(unserved, { keyMap: { key: value } }), accepts: TEXTS },
  { what: 'servePolicy: a certificate', call: (value) => server.servePolicy(unserved, { tls: { cert: value, key: '' } }), accepts: TEXTS },
  { what: 'serveLeRobot: the policy', call: (value) => lerobotServer.serveLeRobot(value, { port: 0 }) },
  ...optionProbes(
    'serveLeRobot',
    {} as lerobotServer.ServeLeRobotOptions,
    ['host', 'port', 'fps', 'seed', 'maxBatch', 'maxConnections', 'maxPayload', 'idleMs', 'waitMs', 'leastMs', 'graceMs', 'onEvent'],
    (options) => lerobotServer.serveLeRobot(unserved, options),
    { fps: ['0.5'], onEvent: ['a function'] },
  ),
];

const ALL = [
  ['a policy', POLICY],
  ['a kernel policy', KERNEL_POLICY],
  ['strategies', STRATEGIES],
  ['loading and devices', LOADING],
  ['workers', WORKER],
  ['robots', ROBOTS],
  ['recording', RECORDING],
  ['checkpoints', CHECKPOINTS],
  ['the control loop', CONTROL],
  ['Push-T', PUSH_T],
  ['the SO-101', SO101],
  ['the floating gripper', GRIPPER],
  ['diffusion', DIFFUSION.filter(isKnown)],
  ['evaluation', EVALUATION],
  ['servers', SERVERS],
  ['data sets', DATASETS],
] as const;

describe.each(ALL)('a hostile value given to %s', (_, probes) => {
  it.each(probes)('is refused in words, and at once: $what', async (probe) => {
    expect(await faultsOf(probe)).toEqual([]);
  });
});

describe('the probes', () => {
  const probed = ALL.flatMap(([, probes]) => probes.map(({ what }) => what.split(/[^\w]/)[0]));

  it.each(
    Object.entries({
      core,
      checkpoints,
      datasets,
      diffusion,
      evaluation,
      lerobotServer,
      pushT,
      recording,
      server,
      so101,
      gripper,
      web,
      worker,
      robots,
    }),
  )('try every function of %s', (_, entry) => {
    const functions = Object.entries(entry).filter(([, value]) => typeof value === 'function' && !(value.prototype instanceof Error));
    // A policy's methods are listed by their own names.
    expect(functions.map(([name]) => name).filter((name) => !['Policy', 'PolicyWorker'].includes(name) && !probed.includes(name))).toEqual(
      [],
    );
  });

  it('try every method of a policy', () => {
    const methods = Object.getOwnPropertyNames(Policy.prototype).filter(
      (name) => !['constructor', 'info', 'encodedFrames', 'reset', 'dispose'].includes(name),
    );
    expect(methods.filter((name) => !probed.includes(name))).toEqual([]);
  });
});

describe('a policy that was disposed of', () => {
  it('refuses everything that would need it', async () => {
    const disposed = policyWithoutDevice();
    await disposed.dispose();
    await disposed.dispose();
    for (const call of [() => disposed.reset(), () => disposed.useStrategy({ name: 'DDIM' }), () => disposed.beginEpisode()]) {
      expect(call).toThrow(core.DisposedError);
    }
    for (const call of [
      () => disposed.act(FRAME),
      () => disposed.decide(WINDOW),
      () => disposed.decideAll([]),
      () => disposed.decideAllSettled([]),
      () => disposed.reload(),
      () => disposed.observe(FRAME),
      () => disposed.denoise([SAMPLE]),
      () => disposed.timeDecision(WINDOW),
      () => disposed.decisionCost(),
      () => disposed.warmup(),
    ]) {
      await expect(call()).rejects.toThrow(core.DisposedError);
    }
    expect(disposed.info.name).toBe(checkpoint.name);
  });
});
