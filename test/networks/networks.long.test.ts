import { describe, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { expectPredictor, expectUnet, type PredictorCase, UNET_BASE, type UnetCase } from '../support/network-cases.js';

const device = useTestDevice();

const unets: readonly UnetCase[] = [
  {
    name: 'four levels of falling width, kernel size 7, horizon 64',
    batch: 1,
    stateDim: 5,
    unet: { ...UNET_BASE, actionDim: 7, horizon: 64, downDims: [48, 40, 24, 16], kernelSize: 7, conditioningDim: 15 },
  },
  {
    name: 'forty channels a group',
    batch: 2,
    stateDim: 4,
    unet: { ...UNET_BASE, actionDim: 5, horizon: 8, downDims: [80, 320], groups: 8, conditioningDim: 4 },
  },
];

describe('the U-Net against float64', () => {
  it.each(unets)('$name', (unet) => expectUnet(device(), unet));
});

const predictors: readonly PredictorCase[] = [
  {
    name: 'a long horizon, three layers each, one head',
    actionDim: 1,
    observationDim: 4,
    horizon: 36,
    observationSteps: 1,
    historySteps: 20,
    encoderLayers: 3,
    modelDim: 16,
    heads: 1,
    decoderLayers: 3,
    feedforwardDim: 64,
  },
];

describe('the predictor against float64', () => {
  it.each(predictors)('$name', (predictor) => expectPredictor(device(), predictor));
});
