import { MODEL_FILE, pairOf } from '../../checkpoints/lerobot/write-policy.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import { checkSource } from '../../checkpoints/source.js';
import type { TorchvisionBackbone } from '../../checkpoints/torchvision/backbone.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { checkStatistics } from '../../datasets/check-statistics.js';
import { anchors } from '../../datasets/windows.js';
import { OptionError } from '../../foundation/errors.js';
import type { RunHistory } from './history.js';
import { initialTensors } from './initial-policy.js';
import { initialWeights, policyRule, writeInitial } from './initial-weights.js';
import { noWindows } from './no-windows.js';
import { describePolicy, OWN_KEYS, type TrainPolicyOptions } from './policy-description.js';
import { evaluateChunks, openForChunks } from './policy-error.js';
import { policyIdentity } from './policy-identity.js';
import { compilePolicy } from './policy-network.js';
import { policyResult } from './policy-result.js';
import { policyWindows } from './policy-windows.js';
import { POLICY_PRESETS } from './presets.js';
import { backboneIdentity, backboneTensors, openBackbone } from './pretrained-backbone.js';
import { statisticsIdentity, storedStatisticsIdentity } from './run-statistics.js';
import { runTraining } from './run-training.js';
import { splitEpisodes, spread } from './split.js';
import { type CheckedTrainOptions, checkTrainOptions, commonIdentity } from './train-options.js';

export type { TrainPolicyOptions } from './policy-description.js';
export type { UnetSizes } from './unet-sizes.js';

const WHERE = 'trainPolicy';
/** Batches whose loss makes the validation loss, and windows that are sampled and compared as chunks. */
const VALIDATION_BATCHES = 4;
const MOST_CHUNKS = 24;

/**
 * Trains a diffusion policy on a data set, and writes a LeRobot checkpoint into the storage: config, weights (of the EMA, where one is kept),
 * processors with the statistics of the data set, those of pictures ImageNet's, or of the initial policy.
 * @throws OptionError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainPolicy(options: TrainPolicyOptions): Promise<RunHistory> {
  const checked = checkTrainOptions(WHERE, options, OWN_KEYS, POLICY_PRESETS);
  if (options.initial !== undefined) checkSource(WHERE, 'initial', options.initial);
  if (options.initial !== undefined && options.backbone !== undefined) {
    throw new OptionError(`${WHERE}: backbone is for encoders from scratch, and initial has its own: leave one of them out.`);
  }
  const backbone = options.backbone === undefined ? undefined : await openBackbone(WHERE, options.backbone);
  const initial = options.initial && (await loadPolicyCheckpoint(options.initial, options.signal ? { signal: options.signal } : {}));
  try {
    return await train(options, checked, initial, backbone);
  } finally {
    await initial?.close();
  }
}

async function train(
  options: TrainPolicyOptions,
  checked: CheckedTrainOptions,
  policy: PolicyCheckpoint | undefined,
  backbone: TorchvisionBackbone | undefined,
): Promise<RunHistory> {
  const written = describePolicy(options, checked, policy, backbone);
  const { dataset, device, storage, signal } = options;
  const read = await policyWindows(dataset, written);
  const { features } = read;
  // A run goes on under the statistics that it was begun with, or not at all.
  if (!checked.resume) {
    const pairs = [...written.inputs, written.action].map((feature): [string, readonly string[]] => [
      feature.name,
      pairOf(feature, written.normalization),
    ]);
    await checkStatistics(dataset, new Map(pairs), signal);
  }
  const { training, validation } = splitEpisodes(dataset, features, checked.validation, checked.seed);
  const windows = (episodes: readonly number[]): Int32Array =>
    anchors(dataset, { dropLastFrames: written.dropLastFrames, features, episodes });
  const rows = windows(training);
  if (rows.length === 0) throw noWindows(WHERE, dataset.name, written.dropLastFrames, 'complete');
  const held = windows(validation);
  const evaluated = held.length > 0 ? held : rows;

  const { seed, batchSize, plan, precision } = checked;
  const hasEma = plan.optimizer.ema !== null;
  const network = await compilePolicy(device, written, read, {
    batchSize,
    seed,
    ema: hasEma,
    precision,
    preset: checked.preset,
    batchNorm: options.batchNorm,
  });
  const { step } = network;
  const { statistics } = step;
  try {
    const initial = policy ? await initialTensors(policy, step.parameters) : initialWeights(step.parameters, policyRule, seed);
    if (backbone) {
      for (const [name, values] of await backboneTensors(backbone, step.parameters)) initial.set(name, values);
      statistics?.write(await backboneTensors(backbone, statistics.tensors));
    }
    if (policy && statistics) statistics.write(await initialTensors(policy, statistics.tensors));
    writeInitial(step, initial, hasEma);
    const result = policyResult(written, [...step.parameters, ...(statistics?.tensors ?? [])], network.buffers);
    /** With the running statistics as they are by now, of which there is no moving average. */
    const all = async (weights: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>> =>
      statistics ? new Map([...weights, ...(await statistics.read())]) : weights;
    const chunks = spread(evaluated, MOST_CHUNKS);
    const stored = read.observations.map(({ name, kind, size }) => ({ name, kind, size, stored: name }));
    return await runTraining(plan, {
      step,
      batches: network.batches(rows),
      storage,
      identity: {
        kind: 'policy',
        ...commonIdentity(checked, options, rows.length),
        observationSteps: written.observationSteps,
        maskPadding: written.maskPadding,
        statistics: await statisticsIdentity(written),
        crop: String(written.crop),
        observations: written.inputs.map(({ name }) => name).join(' '),
        shape: JSON.stringify(written.unet),
        scheduler: JSON.stringify(written.scheduler),
        ...(backbone ? { backbone: await backboneIdentity(backbone) } : {}),
        ...(policy ? { initial: (await policyIdentity(policy)).policy } : {}),
        ...(statistics ? { batchNorm: options.batchNorm ?? 'batch' } : {}),
      },
      addedLater: { statistics: () => storedStatisticsIdentity(storage, written) },
      resume: checked.resume,
      evaluate: async (at) => {
        let loss = 0;
        const some = spread(evaluated, VALIDATION_BATCHES * batchSize);
        const batches = Math.ceil(some.length / batchSize);
        for (let i = 0; i < batches; i++) {
          const chosen = some.subarray(i * batchSize, (i + 1) * batchSize);
          await network.validate(chosen, i);
          loss += (await step.metrics()).loss * (chosen.length / some.length);
        }
        const source = result.source(await all(await step.read(hasEma ? 'ema' : 'weights')));
        const { error, samples } = await evaluateChunks(() => openForChunks(device, source), read.spec, stored, chunks);
        const more = (await options.onEvaluate?.(source, at)) ?? {};
        const of = held.length > 0 ? 'validation' : 'training';
        return { figures: { [`${of} loss`]: loss, [`${of} chunk error`]: error, ...more }, samples };
      },
      publish: async (weights) => {
        await storage.write(MODEL_FILE, result.stream(await all(weights)));
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
