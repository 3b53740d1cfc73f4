import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { DEFAULT_NORMALIZATION, MODEL_FILE, policyFiles, type WrittenPolicy } from '../../src/checkpoints/lerobot/write-policy.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { Dataset, FeatureStatistics } from '../../src/datasets/dataset.js';
import { PRESETS } from '../../src/training/loop/presets.js';
import { memoryDataset } from './memory-dataset.js';

/** Five short episodes of a point that circles: actions say where it will be next. Numbers of training that take a moment. */
export function circlingDataset(): Dataset {
  const angle = (row: number, ahead: number): number => (row % 24) / 4 + 0.25 * ahead + Math.floor(row / 24);
  const point = (row: number, channel: number, ahead: number): number => 50 + 40 * (channel === 0 ? Math.cos : Math.sin)(angle(row, ahead));
  return memoryDataset(
    [24, 24, 24, 24, 24],
    [
      { name: 'observation.state', size: 2, value: (row, channel) => point(row, channel, 0) },
      { name: 'observation.environment_state', size: 1, value: (row) => Math.floor(row / 24) },
      { name: 'action', size: 2, value: (row, channel) => point(row, channel, 1) },
    ],
  );
}

/** The same data set, whose state is said to be twice as large: a policy of it normalises otherwise. */
export function otherStatistics(dataset: Dataset): Dataset {
  const statistics = new Map(dataset.statistics);
  const state = statistics.get('observation.state') as FeatureStatistics;
  statistics.set('observation.state', { ...state, max: state.max.map((value) => 2 * value) });
  return { ...dataset, statistics };
}

/** Sizes of a U-Net that compiles quickly. */
export const TINY_SIZES = { downDims: [8, 16], kernelSize: 3, groups: 4, stepEmbedDim: 8 } as const;
const NO_CAMERAS: WrittenPolicy['vision'] = { backbone: 'resnet18', norm: 'group', keypoints: 32, isSeparate: false, resize: null };
export const TINY_PREDICTOR = { encoderLayers: 1, decoderLayers: 1, modelDim: 16, heads: 2, feedforwardDim: 16 } as const;

/** What small policies say whose numbers of training take a moment, over chunks of 8 rows of 2 values. `inputs`: values of a frame, and cameras. */
export function tinyDescription(
  { inputs, action, conditioningDim }: Pick<WrittenPolicy, 'inputs' | 'action'> & { readonly conditioningDim: number },
  { crop = null, vision = NO_CAMERAS, normalization = DEFAULT_NORMALIZATION }: Partial<WrittenPolicy> = {},
): WrittenPolicy {
  const { learningRate, beta1, beta2, epsilon, weightDecay, schedule, warmupSteps } = PRESETS.lerobot;
  return {
    unet: { ...TINY_SIZES, downDims: [...TINY_SIZES.downDims], actionDim: 2, horizon: 8, conditioningDim, scaleModulation: true },
    scheduler: {
      type: 'DDIM',
      numTrainTimesteps: 20,
      betaSchedule: 'squaredcos_cap_v2',
      betaStart: 1e-4,
      betaEnd: 0.02,
      predictionType: 'epsilon',
      clipSample: true,
      clipSampleRange: 1,
      numInferenceSteps: 2,
    },
    numInferenceSteps: 2,
    observationSteps: 2,
    actionSteps: 4,
    dropLastFrames: 3,
    maskPadding: false,
    inputs,
    action,
    optimizer: { learningRate, betas: [beta1, beta2], epsilon, weightDecay, schedule, warmupSteps },
    crop,
    vision,
    normalization,
  };
}

/** A policy of that data set whose weights say nothing: what a predictor needs of it is how it normalises. */
export function circlingPolicy(dataset: Dataset): CheckpointSource {
  const feature = (name: string, size: number): WrittenPolicy['action'] => {
    const { min, max, mean, std } = dataset.statistics.get(name) as NonNullable<ReturnType<typeof dataset.statistics.get>>;
    return { name, shape: [size], statistics: { min, max, mean, std } };
  };
  const inputs = [feature('observation.state', 2), feature('observation.environment_state', 1)];
  const written = tinyDescription({ inputs, action: feature('action', 2), conditioningDim: 6 });
  const tensors = [...unetTensorShapes(written.unet)].map(([name, shape]) => ({
    name: `diffusion.unet.${name}`,
    dtype: 'F32' as const,
    shape,
    data: new Float32Array(shape.reduce((all, size) => all * size, 1)).fill(0.01),
  }));
  return memorySource('circling', { ...Object.fromEntries(policyFiles(written)), [MODEL_FILE]: encodeSafetensors(tensors) });
}
