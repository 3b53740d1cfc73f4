import { describe, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { expectPredictor, expectUnet, type PredictorCase, UNET_BASE, type UnetCase } from '../support/network-cases.js';

const device = useTestDevice();

// Wider, longer and deeper ones are in the long half.
const unets: readonly UnetCase[] = [
  {
    name: 'one level, one group, smallest embedding, one action dimension',
    batch: 1,
    stateDim: 1,
    unet: { ...UNET_BASE, actionDim: 1, horizon: 2, downDims: [8], kernelSize: 1, groups: 1, stepEmbedDim: 4, conditioningDim: 1 },
  },
  {
    name: 'five channels a group, bias modulation, batch 3, lengths that no tile divides',
    batch: 3,
    stateDim: 3,
    unet: { ...UNET_BASE, actionDim: 3, horizon: 68, downDims: [40, 40], kernelSize: 3, conditioningDim: 6, scaleModulation: false },
  },
  ...(
    [
      [12, [16, 24, 32]],
      [10, [16, 24]],
      [5, [16]],
    ] as const
  ).map(
    ([horizon, downDims]): UnetCase => ({
      name: `horizon ${horizon} over ${downDims.length} levels, an odd length at the bottom, as Diffusion Policy has it`,
      batch: 2,
      stateDim: 3,
      unet: { ...UNET_BASE, actionDim: 3, horizon, downDims: [...downDims], conditioningDim: 6 },
      names: 'diffusion-policy',
    }),
  ),
];

describe('the U-Net against float64', () => {
  it.each(unets)('$name', (unet) => expectUnet(device(), unet));
});

const predictors: readonly PredictorCase[] = [
  {
    name: 'the release: 4 heads of 32',
    actionDim: 2,
    observationDim: 5,
    horizon: 8,
    observationSteps: 2,
    historySteps: 8,
    encoderLayers: 2,
    modelDim: 128,
    heads: 4,
    decoderLayers: 2,
    feedforwardDim: 256,
  },
  {
    name: 'odd sizes, part of the history, one encoder layer',
    actionDim: 3,
    observationDim: 1,
    horizon: 4,
    observationSteps: 3,
    historySteps: 1,
    encoderLayers: 1,
    modelDim: 30,
    heads: 3,
    decoderLayers: 1,
    feedforwardDim: 7,
  },
];

describe('the predictor against float64', () => {
  it.each(predictors)('$name', (predictor) => expectPredictor(device(), predictor));
});
