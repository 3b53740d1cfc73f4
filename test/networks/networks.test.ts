import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { decideBatch, sampleOf } from '../support/golden-policy.js';
import { randomPolicy, randomPredictor } from '../support/random-checkpoint.js';
import { referencePredictor, referenceUnet } from '../support/reference-networks.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 2e-5, rtol: 2e-5 };

/** f32 [b][time][channels] as values [b][channels][time]. */
function fromTokens(data: Float32Array, batch: number, channels: number, length: number): Values {
  return valuesOf(batch, channels, length, (b, c, t) => data[(b * length + t) * channels + c] as number);
}

interface UnetCase {
  readonly name: string;
  readonly batch: number;
  readonly stateDim: number;
  readonly unet: UnetShape;
  /** Of the tensors; LeRobot asks for a horizon that is halved once more than the network does. */
  readonly names?: 'diffusion-policy';
}

const base = { kernelSize: 5, groups: 8, stepEmbedDim: 32, scaleModulation: true };
const unets: readonly UnetCase[] = [
  {
    name: 'one level, one group, smallest embedding, one action dimension',
    batch: 1,
    stateDim: 1,
    unet: { ...base, actionDim: 1, horizon: 2, downDims: [8], kernelSize: 1, groups: 1, stepEmbedDim: 4, conditioningDim: 1 },
  },
  {
    name: 'four levels of falling width, kernel size 7, horizon 64',
    batch: 1,
    stateDim: 5,
    unet: { ...base, actionDim: 7, horizon: 64, downDims: [48, 40, 24, 16], kernelSize: 7, conditioningDim: 15 },
  },
  {
    name: 'five channels a group, bias modulation, batch 3, lengths that no tile divides',
    batch: 3,
    stateDim: 3,
    unet: { ...base, actionDim: 3, horizon: 68, downDims: [40, 40], kernelSize: 3, conditioningDim: 6, scaleModulation: false },
  },
  {
    name: 'forty channels a group',
    batch: 2,
    stateDim: 4,
    unet: { ...base, actionDim: 5, horizon: 8, downDims: [80, 320], groups: 8, conditioningDim: 4 },
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
      unet: { ...base, actionDim: 3, horizon, downDims: [...downDims], conditioningDim: 6 },
      names: 'diffusion-policy',
    }),
  ),
];

describe('the U-Net against float64', () => {
  it.each(unets)('$name', async ({ unet, stateDim, batch, names }) => {
    const { source, tensors } = randomPolicy(unet, stateDim, names ? { names } : {});
    const policy = await loadPolicy(source, { device: device(), probes: ['model_output'] });
    const normals = new Normals(7);
    // Raw observations in the range of the statistics, so that normalising leaves them as they are.
    const state = normals.floats(batch * unet.conditioningDim, 0.3);
    const noise = normals.floats(batch * unet.horizon * unet.actionDim);
    const [{ probes }] = await decideBatch(policy, state, batch, (b) => ({ previous: [], noise: sampleOf(noise, batch, b) }));
    await policy.dispose();

    const output = fromTokens(probes.get('model_output.0') as Float32Array, batch, unet.actionDim, unet.horizon);
    const conditioning = valuesOf(batch, unet.conditioningDim, 1, (b, c) => state[b * unet.conditioningDim + c] as number);
    const expected = referenceUnet(tensors, unet, fromTokens(noise, batch, unet.actionDim, unet.horizon), 50, conditioning);
    expectClose(output, expected, TOLERANCE, 'model output');
  });
});

const predictors: readonly (PredictorShape & { readonly name: string })[] = [
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
  it.each(predictors)('$name', async ({ name: _, ...config }) => {
    const { actionDim, horizon, observationDim, observationSteps, historySteps } = config;
    const conditioningDim = observationDim * observationSteps;
    const unet = { ...base, actionDim, horizon, downDims: [8], kernelSize: 1, groups: 1, stepEmbedDim: 4, conditioningDim };
    const { source: predictor, tensors } = randomPredictor(config);
    const batch = 2;
    const policy = await loadPolicy(randomPolicy(unet, observationDim).source, {
      device: device(),
      networks: { predictor },
      probes: ['prediction'],
    });
    const normals = new Normals(8);
    const state = normals.floats(batch * conditioningDim, 0.3);
    const chunk = normals.floats(batch * horizon * actionDim, 0.5);
    const [{ probes, warm }] = await decideBatch(policy, state, batch, (b) => {
      const past = sampleOf(chunk, batch, b);
      return { previous: [{ normalizedChunk: past, chunk: past }], seed: 1 };
    });
    await policy.dispose();

    expect(warm).toBe(true);
    const previous = fromTokens(chunk, batch, actionDim, horizon);
    const history = valuesOf(batch, actionDim, historySteps, (b, c, t) => valueAt(previous, b, c, horizon - historySteps + t));
    const expected = referencePredictor(tensors, config, history, fromTokens(state, batch, observationDim, observationSteps));
    expectClose(fromTokens(probes.get('prediction') as Float32Array, batch, actionDim, horizon), expected, TOLERANCE, 'prediction');
  });
});
