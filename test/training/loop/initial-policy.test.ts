import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../../src/checkpoints/types.js';
import type { Dataset } from '../../../src/datasets/dataset.js';
import { describePolicy, policyWindows, type TrainPolicyOptions } from '../../../src/training/loop/policy-description.js';
import { PRESETS } from '../../../src/training/loop/presets.js';
import type { CheckedTrainOptions } from '../../../src/training/loop/train-options.js';
import { batchNormDescription, batchNormPolicy } from '../../support/batch-norm-policy.js';
import { memoryDataset } from '../../support/memory-dataset.js';
import { pictureDataset } from '../../support/picture-dataset.js';

/** What it says of itself is looked at alone. */
const opened = (written = batchNormDescription()): Promise<PolicyCheckpoint> => loadPolicyCheckpoint(batchNormPolicy(written, 'zeros'));
const CHECKED = { plan: { optimizer: PRESETS.lerobot } } as CheckedTrainOptions;

function described(policy: PolicyCheckpoint, more: Partial<TrainPolicyOptions> = {}): ReturnType<typeof describePolicy> {
  const options = { dataset: pictureDataset([]), ...more } as TrainPolicyOptions;
  return describePolicy(options, CHECKED, policy);
}

describe('a policy that a run begins from', () => {
  it('says sizes, observations, encoders, crop, sampler and modes of normalisation; the data set says statistics', async () => {
    const written = batchNormDescription();
    const policy = await opened();
    const found = described(policy);
    const { inputs, action, dropLastFrames, ...same } = found;
    const { inputs: wantedInputs, action: _action, dropLastFrames: drop, ...wanted } = written;
    expect(same).toEqual(wanted);
    expect(dropLastFrames).toBe(drop);
    expect(inputs.map(({ name, shape }) => [name, shape])).toEqual(wantedInputs.map(({ name, shape }) => [name, shape]));
    const { mean } = pictureDataset([]).statistics.get('observation.state') as { mean: ArrayLike<number> };
    expect(inputs[0]?.statistics['mean']).toEqual(mean);
    expect(action.statistics).not.toEqual(written.action.statistics);
    const windows = await policyWindows(pictureDataset([]), found);
    expect(windows.images).toEqual(policy.images);
    expect(windows.observations.map(({ name }) => name)).toEqual(policy.observations.map(({ name }) => name));
    expect(windows.observations[0]?.normalizer.mode).toBe('mean-std');
    expect(described(policy, { actionSteps: 2, scheduler: { numInferenceSteps: 5 }, maskPadding: true })).toMatchObject({
      actionSteps: 2,
      numInferenceSteps: 5,
      maskPadding: true,
      scheduler: { type: 'DDIM', numTrainTimesteps: 20 },
    });
    await policy.close();
  });

  it.each<[string, Partial<TrainPolicyOptions>]>([
    ['sizes is that of the initial policy', { sizes: { downDims: [8, 16] } }],
    ['horizon is that of the initial policy', { horizon: 8 }],
    ['observations is that of the initial policy', { observations: ['observation.state'] }],
    ['crop is that of the initial policy', { crop: [33, 40] }],
    ['batchNorm must be one of batch, running, found none', { batchNorm: 'none' as 'batch' }],
  ])('refuses what it says itself: %s', async (message, more) => {
    const policy = await opened();
    expect(() => described(policy, more)).toThrow(message);
    await policy.close();
  });

  it('refuses data of another robot, other pictures, and statistics of norms that it has not', async () => {
    const policy = await opened();
    const dataset = pictureDataset([]);
    const small: Dataset = {
      ...dataset,
      features: dataset.features.map((feature) => (feature.kind === 'vector' ? feature : { ...feature, shape: [20, 20, 3] })),
    };
    expect(() => described(policy, { dataset: small })).toThrow('reads 36×47 of "observation.images.left", the data set has 20×20');
    const { features, statistics } = memoryDataset([10], [{ name: 'action', size: 3, value: (row) => row }]);
    const other: Dataset = {
      ...dataset,
      statistics: new Map([...dataset.statistics, ...statistics]),
      features: [...dataset.features.filter(({ name }) => name !== 'action'), ...features],
    };
    expect(() => described(policy, { dataset: other })).toThrow('has actions of 2 numbers, the data set of 3');
    expect(() => described({ ...policy, dialect: 'diffusion-policy' })).toThrow('initial must be a LeRobot checkpoint');
    const resized = policy.images && { ...policy.images, resize: [40, 50] as const };
    expect(() => described({ ...policy, images: resized })).toThrow('crops at random behind a resize');
    await policy.close();
    const written = batchNormDescription();
    const group = await opened({ ...written, vision: { ...written.vision, norm: 'group' } });
    expect(() => described(group, { batchNorm: 'batch' })).toThrow('batchNorm is for encoders with batch norm');
    await group.close();
  });
});
