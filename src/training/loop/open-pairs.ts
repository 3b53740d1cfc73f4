import type { CheckpointSource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { anchors } from '../../datasets/windows.js';
import { type FeatureNames, featureNames } from './feature-names.js';
import type { FramePart } from './frames.js';
import { noWindows } from './no-windows.js';
import { actionNormalizer } from './normalize.js';
import { frozenEncoders, policyFrame } from './policy-frames.js';
import type { PairsSpec } from './predictor-batches.js';
import { splitEpisodes, spread } from './split.js';
import { type CheckedTrainOptions, droppedFrames, type TrainOptions } from './train-options.js';

/** Windows that an evaluation predicts. */
const MOST_EVALUATED = 1024;

/** What whoever trains a network beside a policy is told. */
export interface BesidePolicyOptions extends TrainOptions {
  /** The policy that the network is for; closed when it was read. */
  readonly policy: CheckpointSource;
}

/** Windows of a data set as a policy normalises and encodes them. */
export interface OpenPairs {
  readonly spec: PairsSpec;
  /** Anchors to learn from. */
  readonly rows: Int32Array;
  /** Whether nothing is learned from those that are evaluated. */
  readonly held: boolean;
  readonly evaluated: Int32Array;
  destroy(): void;
}

/** @throws OptionError where the data set has nothing to learn from, or not what the policy reads. */
export async function openPairs(
  where: string,
  options: BesidePolicyOptions,
  { validation: share, seed }: CheckedTrainOptions,
  checkpoint: PolicyCheckpoint,
): Promise<OpenPairs> {
  const { dataset } = options;
  const { unet, actionSteps, observationSteps } = checkpoint;
  const names = featureNames(where, dataset, checkpoint);
  const encoders = await frozenEncoders(options, checkpoint, names);
  try {
    const spec = pairsSpec(options, checkpoint, names, encoders?.parts ?? []);
    const { training, validation } = splitEpisodes(dataset, names.all, share, seed);
    const dropLastFrames = options.dropLastFrames ?? droppedFrames(unet.horizon, actionSteps, observationSteps);
    const windows = (episodes: readonly number[]): Int32Array => anchors(dataset, { dropLastFrames, features: names.all, episodes });
    const rows = windows(training);
    if (rows.length === 0) throw noWindows(where, dataset.name, dropLastFrames);
    const held = windows(validation);
    const evaluated = spread(held.length > 0 ? held : rows, MOST_EVALUATED);
    return { spec, rows, held: held.length > 0, evaluated, destroy: () => encoders?.destroy() };
  } catch (error) {
    encoders?.destroy();
    throw error;
  }
}

function pairsSpec(
  { dataset }: BesidePolicyOptions,
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
