import type { CheckpointSource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { anchors } from '../../datasets/windows.js';
import type { RawRows } from '../../spec/network-shapes.js';
import { type FeatureNames, featureNames } from './feature-names.js';
import { noWindows } from './no-windows.js';
import { actionNormalizer } from './normalize.js';
import { frozenEncoders, observedBy, policyFrame, rawFrame } from './policy-frames.js';
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

/**
 * `rows`: of a network with an image encoder of its own, which reads pictures, and vectors in raw units, in place of the policy's conditioning.
 * @throws OptionError where the data set has nothing to learn from, or not what the network reads.
 */
export async function openPairs(
  where: string,
  options: BesidePolicyOptions,
  { validation: share, seed }: CheckedTrainOptions,
  checkpoint: PolicyCheckpoint,
  rows?: RawRows,
): Promise<OpenPairs> {
  const { dataset } = options;
  const { unet, actionSteps, observationSteps } = checkpoint;
  const names = featureNames(where, dataset, rows ? observedBy(checkpoint, rows) : checkpoint);
  const encoders = rows ? undefined : await frozenEncoders(options, checkpoint, names);
  try {
    const parts = rows ? rawFrame(checkpoint, names, rows) : { frame: policyFrame(checkpoint, names, encoders?.parts ?? []) };
    const spec = pairsSpec(options, checkpoint, names, parts);
    const { training, validation } = splitEpisodes(dataset, names.all, share, seed);
    const dropLastFrames = options.dropLastFrames ?? droppedFrames(unet.horizon, actionSteps, observationSteps);
    const windows = (episodes: readonly number[]): Int32Array => anchors(dataset, { dropLastFrames, features: names.all, episodes });
    const learned = windows(training);
    if (learned.length === 0) throw noWindows(where, dataset.name, dropLastFrames);
    const held = windows(validation);
    const evaluated = spread(held.length > 0 ? held : learned, MOST_EVALUATED);
    return { spec, rows: learned, held: held.length > 0, evaluated, destroy: () => encoders?.destroy() };
  } catch (error) {
    encoders?.destroy();
    throw error;
  }
}

function pairsSpec(
  { dataset }: BesidePolicyOptions,
  checkpoint: PolicyCheckpoint,
  names: FeatureNames,
  parts: Pick<PairsSpec, 'frame' | 'cameras'>,
): PairsSpec {
  const { unet, observationSteps, actionSteps, action } = checkpoint;
  return {
    dataset,
    ...parts,
    action: { name: names.action, size: unet.actionDim, normalizer: actionNormalizer(action) },
    horizon: unet.horizon,
    observationSteps,
    actionSteps,
  };
}
