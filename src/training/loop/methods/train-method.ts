import { loadPolicyCheckpoint } from '../../../checkpoints/read-policy.js';
import { type CheckpointSource, checkSource } from '../../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../../checkpoints/types.js';
import { anchors } from '../../../datasets/windows.js';
import { OptionError } from '../../../foundation/errors.js';
import { checkChoice, checkInteger, checkNumber, checkObject } from '../../../foundation/options.js';
import { loadPolicy } from '../../../policy/load-policy.js';
import { INTERPOLANTS } from '../../../spec/method-networks.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import { type FeatureNames, featureNames } from '../feature-names.js';
import { type FramePart, frameSize } from '../frames.js';
import type { RunHistory } from '../history.js';
import { networkResult } from '../network-result.js';
import { noWindows } from '../no-windows.js';
import { actionNormalizer } from '../normalize.js';
import { evaluateChunks } from '../policy-error.js';
import { type FrozenEncoders, frozenEncoders, policyFrame } from '../policy-frames.js';
import { policyIdentity } from '../policy-identity.js';
import { chosenAnchors } from '../predictor-batches.js';
import { PRESET_NAMES } from '../presets.js';
import { type RunPlan, runTraining } from '../run-training.js';
import { splitEpisodes, spread } from '../split.js';
import { checkTrainOptions, commonIdentity, droppedFrames, type TrainOptions } from '../train-options.js';
import { type ChunkWindows, readChunks } from '../unet-batches.js';
import { checkedUnet } from '../unet-sizes.js';
import { methodConfig } from './config.js';
import { type MethodContext, MethodDraws, type MethodOptions, type OpenMethod, type TrainableMethod } from './define.js';
import { TRAINED_METHOD_NAMES, TRAINED_METHODS, type TrainedMethodName } from './kinds.js';

export interface TrainMethodOptions extends TrainOptions, MethodOptions {
  /** What is trained; each has a recipe of its own, which is the default preset. */
  readonly method: TrainedMethodName;
  /** The policy whose observations, statistics and sizes the network shares, and which it is loaded beside; closed when it was read. */
  readonly policy: CheckpointSource;
}

const WHERE = 'trainMethod';
const METHOD_KEYS: readonly (keyof MethodOptions)[] = [
  'teacher',
  'sizes',
  'horizon',
  'actionSteps',
  'variant',
  'hiddenDim',
  'prior',
  'interpolant',
  'dropout',
];
/** Batches whose loss makes the validation loss. */
const VALIDATION_BATCHES = 4;
/** Windows whose chunks are decided and compared. */
const MOST_CHUNKS = 24;

/**
 * Trains the network of a method that STEP is compared with, on demonstrations or from another network, and writes its folder (`config.json`,
 * `model.safetensors`) into the storage, as good as it is by then. The network is loaded beside the policy that it was trained with.
 * @throws OptionError, CheckpointError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainMethod(options: TrainMethodOptions): Promise<RunHistory> {
  const name = checkChoice(WHERE, 'method', options?.method, TRAINED_METHOD_NAMES);
  const method = TRAINED_METHODS[name];
  const presets = [method.preset, ...PRESET_NAMES.filter((preset) => preset !== method.preset)];
  const checked = checkTrainOptions(WHERE, options, ['method', 'policy', ...METHOD_KEYS], presets);
  checkOwn(name, options);
  const policy = keptOpen(options.policy);
  const { dataset, device, storage, signal } = options;
  const { seed, batchSize, plan, precision } = checked;
  let checkpoint: PolicyCheckpoint | undefined;
  let encoders: FrozenEncoders | undefined;
  let opened: OpenMethod | undefined;
  try {
    checkpoint = await loadPolicyCheckpoint(policy, signal ? { signal } : {});
    const names = featureNames(WHERE, dataset, checkpoint);
    const { shape, actionSteps } = methodSizes(options, checkpoint);
    encoders = await frozenEncoders(options, checkpoint, names);
    const { firstRow }: TrainableMethod = method;
    const chunkWindows = windowsOf(options, checkpoint, names, shape, encoders?.parts ?? []);
    const spec = firstRow === undefined ? chunkWindows : { ...chunkWindows, firstRow };
    const { training, validation } = splitEpisodes(dataset, names.all, checked.validation, seed);
    const dropLastFrames = options.dropLastFrames ?? droppedFrames(shape.horizon, actionSteps, checkpoint.observationSteps);
    const windows = (episodes: readonly number[]): Int32Array => anchors(dataset, { dropLastFrames, features: names.all, episodes });
    const rows = windows(training);
    if (rows.length === 0) throw noWindows(WHERE, dataset.name, dropLastFrames);
    const held = windows(validation);
    const evaluated = spread(held.length > 0 ? held : rows, VALIDATION_BATCHES * batchSize);

    const ema = plan.optimizer.ema !== null;
    const context: MethodContext = {
      device,
      checkpoint,
      options,
      shape,
      actionSteps,
      batchSize,
      seed,
      ema,
      precision,
      frameSize: frameSize(spec.frame),
    };
    const trained = await method.open(context);
    opened = trained;
    const { step } = trained;
    const batch = async (chosen: Int32Array, draws: MethodDraws): Promise<never> =>
      trained.batch(await readChunks(spec, chosen, batchSize), draws) as never;
    const chosen = chosenAnchors(rows, seed);
    const chunks = spread(evaluated, MOST_CHUNKS);
    const stored = checkpoint.observations.map(({ rawName, kind, size }) => ({ name: rawName, kind, size, stored: names.of(rawName) }));
    const { isResult = () => true } = trained;
    const config = methodConfig(context, trained.config);
    const result = networkResult(
      'trained network',
      config,
      step.parameters.filter((parameter) => isResult(parameter.name)),
    );
    return await runTraining(withRateSteps(plan, method, Math.ceil(rows.length / batchSize)), {
      step,
      batches: { rows: rows.length, batch: (request) => batch(chosen(request), new MethodDraws(seed, request.batch, false)) },
      storage,
      identity: {
        kind: name,
        ...commonIdentity(checked, options, rows.length),
        ...(await policyIdentity(checkpoint)),
        config,
        ...trained.identity,
      },
      resume: checked.resume,
      evaluate: async (at) => {
        let loss = 0;
        for (let first = 0, i = 0; first < evaluated.length; first += batchSize, i++) {
          const some = evaluated.subarray(first, first + batchSize);
          step.run(await batch(some, new MethodDraws(seed, i, true)), null);
          loss += (await step.metrics()).loss * (some.length / evaluated.length);
        }
        const weights = await step.read(ema ? 'ema' : 'weights');
        const source = (): CheckpointSource => result.source(weights);
        const of = held.length > 0 ? 'validation' : 'training';
        const strategy = trained.strategy ?? method.strategy;
        const open = strategy && (() => loadPolicy(policy, { device, strategy, networks: { methods: source() } }));
        const found = open && (await evaluateChunks(open, spec, stored, chunks));
        const more = (await options.onEvaluate?.(source(), at)) ?? {};
        const figures = { [`${of} loss`]: loss, ...(found ? { [`${of} chunk error`]: found.error } : {}), ...more };
        return { figures, samples: found?.samples ?? [] };
      },
      publish: (weights) => result.publish(storage, weights),
      onEvent: options.onEvent,
      signal,
      now: () => performance.now(),
    });
  } finally {
    opened?.step.dispose();
    opened?.destroy();
    encoders?.destroy();
    await checkpoint?.close();
    // Where something failed before they were read; closing again does nothing.
    await options.teacher?.close();
    await options.prior?.close();
    await options.policy.close();
  }
}

/** A rate that falls in steps falls after as many epochs as the recipe says, unless options say after how many steps. */
function withRateSteps(plan: RunPlan, { rateEpochs }: TrainableMethod, batchesPerEpoch: number): RunPlan {
  const { optimizer, accumulate } = plan;
  if (optimizer.schedule !== 'step' || optimizer.decayEvery !== undefined || rateEpochs === undefined) return plan;
  const decayEvery = Math.max(1, Math.round((rateEpochs * batchesPerEpoch) / accumulate));
  return { ...plan, optimizer: { ...optimizer, decayEvery } };
}

/** Refuses options of other methods, and those that say nothing usable, before anything is opened. */
function checkOwn(name: TrainedMethodName, options: TrainMethodOptions): void {
  const accepted: readonly (keyof MethodOptions)[] = TRAINED_METHODS[name].accepts;
  const foreign = METHOD_KEYS.find((key) => options[key] !== undefined && !accepted.includes(key));
  if (foreign !== undefined) throw new OptionError(`${WHERE}: ${foreign} is no option of ${name}: leave it out.`);
  const { policy, teacher, prior, interpolant, variant, hiddenDim, dropout } = options;
  checkSource(WHERE, 'policy', policy);
  if (teacher !== undefined) checkSource(WHERE, 'teacher', teacher);
  if (prior !== undefined) checkSource(WHERE, 'prior', prior);
  if (interpolant !== undefined) checkChoice(WHERE, 'interpolant', interpolant, INTERPOLANTS);
  if (teacher === undefined && accepted.includes('teacher')) {
    throw new OptionError(`${WHERE}: ${name} needs a teacher: train one as consistency-teacher, and give its folder.`);
  }
  if (variant !== undefined) checkChoice(WHERE, 'variant', variant, ['stochastic', 'deterministic']);
  if (dropout !== undefined) checkNumber(WHERE, 'dropout', dropout, 'a number from 0 to below 1', (share) => share >= 0 && share < 1);
  if (hiddenDim !== undefined) checkInteger(WHERE, 'hiddenDim', hiddenDim, 1, 65_536);
}

/** The U-Net's sizes: the policy's, and what options say of it. */
function methodSizes(
  { sizes, horizon, actionSteps }: TrainMethodOptions,
  { unet, observationSteps, actionSteps: policyActions }: PolicyCheckpoint,
): { readonly shape: UnetShape; readonly actionSteps: number } {
  const { downDims, kernelSize, groups, stepEmbedDim, scaleModulation, actionDim, conditioningDim } = unet;
  const rows = horizon === undefined ? unet.horizon : checkInteger(WHERE, 'horizon', horizon, 1, 4096);
  if (sizes !== undefined) checkObject(WHERE, 'sizes', sizes);
  const own = { downDims, kernelSize, groups, stepEmbedDim, scaleModulation, ...sizes };
  const shape = checkedUnet(WHERE, own, { horizon: rows, actionDim, conditioningDim }, 0);
  const executed = actionSteps === undefined ? policyActions : actionSteps;
  return { shape, actionSteps: checkInteger(WHERE, 'actionSteps', executed, 1, rows - observationSteps + 1) };
}

function windowsOf(
  { dataset }: TrainMethodOptions,
  checkpoint: PolicyCheckpoint,
  names: FeatureNames,
  { horizon, actionDim }: UnetShape,
  pictures: readonly FramePart[],
): ChunkWindows {
  const { action, observationSteps } = checkpoint;
  return {
    dataset,
    frame: policyFrame(checkpoint, names, pictures),
    action: { name: names.action, size: actionDim, normalizer: actionNormalizer(action) },
    horizon,
    observationSteps,
  };
}

/** The same source, for several readers who each close it. */
function keptOpen(source: CheckpointSource): CheckpointSource {
  const { foldersWith, assertUnchanged } = source;
  return {
    name: source.name,
    list: () => source.list(),
    open: (file) => source.open(file),
    ...(foldersWith ? { foldersWith: (file) => foldersWith.call(source, file) } : {}),
    ...(assertUnchanged ? { assertUnchanged: () => assertUnchanged.call(source) } : {}),
    close: async () => {},
  };
}
