import { describe, expect, it } from 'vitest';
import type { WrittenFeature, WrittenStatistics } from '../../../src/checkpoints/lerobot/write-policy.js';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../../src/checkpoints/types.js';
import type { Dataset } from '../../../src/datasets/dataset.js';
import type { ObservationFeature } from '../../../src/spec/policy-spec.js';
import { initialTensors } from '../../../src/training/loop/initial-policy.js';
import { describePolicy, type TrainPolicyOptions } from '../../../src/training/loop/policy-description.js';
import { policyWindows } from '../../../src/training/loop/policy-windows.js';
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
  it('says sizes, observations, encoders, crop, sampler and modes of normalisation; the data set says statistics of vectors', async () => {
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
    const sampler = { type: 'DDPM', numInferenceSteps: 5 } as const;
    expect(described(policy, { actionSteps: 2, scheduler: sampler, maskPadding: true })).toMatchObject({
      actionSteps: 2,
      numInferenceSteps: 5,
      maskPadding: true,
      scheduler: { type: 'DDPM', predictionType: 'epsilon', numTrainTimesteps: 20 },
    });
    await policy.close();
  });

  it.each<[string, Partial<TrainPolicyOptions>]>([
    ['sizes is that of the initial policy', { sizes: { downDims: [8, 16] } }],
    ['horizon is that of the initial policy', { horizon: 8 }],
    ['observations is that of the initial policy', { observations: ['observation.state'] }],
    ['crop is that of the initial policy', { crop: [33, 40] }],
    ['scheduler: predictionType is that of the initial policy', { scheduler: { predictionType: 'sample' } }],
    ['scheduler: numTrainTimesteps is that of the initial policy', { scheduler: { type: 'DDIM', numTrainTimesteps: 20 } }],
    ['scheduler: betaSchedule is that of the initial policy', { scheduler: { betaSchedule: 'linear' } }],
    ['scheduler: clipSample is that of the initial policy', { scheduler: { clipSample: false } }],
    ['batchNorm must be one of batch, running, found none', { batchNorm: 'none' as 'batch' }],
  ])('refuses what it says itself: %s', async (message, more) => {
    const policy = await opened();
    expect(() => described(policy, more)).toThrow(message);
    await policy.close();
  });

  it.each<[string, WrittenStatistics, WrittenStatistics]>([
    ['QUANTILES', { q01: [0.02, 0.11, 0.3], q99: [0.97, 1, 0.3] }, { q01: [-0.3, 0.1, 0], q99: [0.7, 0.2, 1e-3] }],
    ['QUANTILE10', { q10: [0.1, 0.11, 0.13], q90: [0.7, 0.8, 0.9] }, { q10: [0, 0, 0], q90: [1, 1, 1] }],
    ['MIN_MAX', { min: [0.01, 0, 0.3], max: [0.99, 1, 0.31] }, { min: [0, 0, 0], max: [1, 1, 1] }],
    ['MEAN_STD', { mean: [0.5, 0.4, 0.3], std: [0.2, 1 / 3, 1e-6] }, { mean: [0.1, 0.2, 0.3], std: [0.7, 0.229, 0.225] }],
    ['IDENTITY', {}, {}],
  ])('has its own statistics of pictures, of each camera, in mode %s: the same normalisation, bit by bit', async (mode, left, right) => {
    const written = batchNormDescription();
    const [state, ...cameras] = written.inputs as [WrittenFeature, WrittenFeature, WrittenFeature];
    const inputs = [state, ...cameras.map((camera, i) => ({ ...camera, statistics: i === 0 ? left : right }))];
    const policy = await opened({ ...written, inputs, normalization: { ...written.normalization, VISUAL: mode } });
    const found = described(policy);
    expect(found.normalization['VISUAL']).toBe(mode);
    const images = ({ observations }: Pick<PolicyCheckpoint, 'observations'>): unknown =>
      observations.filter(({ kind }) => kind === 'image');
    const read = images(policy);
    expect(images(await policyWindows(pictureDataset([]), found))).toEqual(read);
    expect(read).toHaveLength(2);
    await policy.close();
  });

  it('refuses cameras of two modes, and statistics of vectors that the data set lacks', async () => {
    const policy = await opened();
    const [state, camera, ...rest] = policy.observations as [ObservationFeature, ObservationFeature, ObservationFeature];
    const raw = { ...camera, normalizer: { ...camera.normalizer, mode: 'identity' as const } };
    expect(() => described({ ...policy, observations: [state, raw, ...rest] })).toThrow('found identity and mean-std');
    const quantiles = { ...policy, action: { ...policy.action, mode: 'quantiles' as const } };
    expect(() => described(quantiles)).toThrow('normalises "action" by the statistic "q01", which the data set made up does not have');
    await policy.close();
  });

  it('is refused with a variance below 0, by the name of the tensor, for training as for decisions', async () => {
    const name = 'rgb_encoder.1.backbone.7.1.bn2.running_var';
    const policy = await loadPolicyCheckpoint(
      batchNormPolicy(batchNormDescription(), 'zeros', (tensor, values) => {
        if (tensor === name) values[511] = -0.5;
      }),
    );
    const message = `tensor "diffusion.${name}" in model.safetensors: expected variances of a batch norm, numbers of at least 0, found -0.5 at 511`;
    await expect(policy.encoders?.weights.readFloats(name)).rejects.toThrow(message);
    await expect(initialTensors(policy, [{ name: `diffusion.${name}`, shape: [512] }])).rejects.toThrow(message);
    const others = ['0.backbone.1.running_var', '1.backbone.7.1.bn2.running_mean'].map((other) => `diffusion.rgb_encoder.${other}`);
    expect(
      (
        await initialTensors(
          policy,
          others.map((other) => ({ name: other, shape: [] })),
        )
      ).size,
    ).toBe(2);
    await policy.close();
  });

  it('names policy and data set where the data set lacks what it reads', async () => {
    const policy = await opened();
    const dataset = pictureDataset([]);
    const without = (name: string): Dataset => ({ ...dataset, features: dataset.features.filter((feature) => feature.name !== name) });
    expect(() => described(policy, { dataset: without('observation.images.left') })).toThrow(
      'the initial policy "batch-norm policy" reads the camera "observation.images.left", the data set made up has no such camera, but ' +
        'observation.state, action, observation.images.right: give data',
    );
    expect(() => described(policy, { dataset: without('observation.state') })).toThrow(
      'reads the vector "observation.state", the data set made up',
    );
    const flat = dataset.features.map((feature) => (feature.kind === 'vector' ? feature : { ...feature, kind: 'vector' as const }));
    expect(() => described(policy, { dataset: { ...dataset, features: flat } })).toThrow('reads the camera "observation.images.left"');
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
