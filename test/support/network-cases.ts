import { expect } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import { decideBatch, sampleOf } from './golden-policy.js';
import { expected, TOLERANCE } from './predictor-runs.js';
import { randomPolicy, randomPredictor } from './random-checkpoint.js';
import { referenceUnet } from './reference-networks.js';
import { expectClose, Normals, type Values, valuesOf } from './values.js';

/** What the shapes of these tests share. */
export const UNET_BASE = { kernelSize: 5, groups: 8, stepEmbedDim: 32, scaleModulation: true };

export interface UnetCase {
  readonly name: string;
  readonly batch: number;
  readonly stateDim: number;
  readonly unet: UnetShape;
  /** Of the tensors; LeRobot asks for a horizon that is halved once more than the network does. */
  readonly names?: 'diffusion-policy';
}

export interface PredictorCase extends PredictorShape {
  readonly name: string;
}

/** f32 [b][time][channels] as values [b][channels][time]. */
function fromTokens(data: Float32Array, batch: number, channels: number, length: number): Values {
  return valuesOf(batch, channels, length, (b, c, t) => data[(b * length + t) * channels + c] as number);
}

/** A U-Net of random weights, in a decision, against the same in float64. */
export async function expectUnet(device: ComputeDevice, { unet, stateDim, batch, names }: UnetCase): Promise<void> {
  const { source, tensors } = randomPolicy(unet, stateDim, names ? { names } : {});
  const policy = await loadPolicy(source, { device, probes: ['model_output'] });
  const normals = new Normals(7);
  // Raw observations in the range of the statistics, so that normalising leaves them as they are.
  const state = normals.floats(batch * unet.conditioningDim, 0.3);
  const noise = normals.floats(batch * unet.horizon * unet.actionDim);
  const [{ probes }] = await decideBatch(policy, state, batch, (b) => ({ previous: [], noise: sampleOf(noise, batch, b) }));
  await policy.dispose();

  const output = fromTokens(probes.get('model_output.0') as Float32Array, batch, unet.actionDim, unet.horizon);
  const conditioning = valuesOf(batch, unet.conditioningDim, 1, (b, c) => state[b * unet.conditioningDim + c] as number);
  const reference = referenceUnet(tensors, unet, fromTokens(noise, batch, unet.actionDim, unet.horizon), 50, conditioning);
  expectClose(output, reference, TOLERANCE, 'model output');
}

/** A predictor of random weights, in a warm decision, against the same in float64. */
export async function expectPredictor(device: ComputeDevice, { name: _, ...config }: PredictorCase): Promise<void> {
  const { actionDim, horizon, observationDim, observationSteps } = config;
  const conditioningDim = observationDim * observationSteps;
  const unet = { ...UNET_BASE, actionDim, horizon, downDims: [8], kernelSize: 1, groups: 1, stepEmbedDim: 4, conditioningDim };
  const { source: predictor, tensors } = randomPredictor(config);
  const batch = 2;
  const policy = await loadPolicy(randomPolicy(unet, observationDim).source, {
    device,
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
  const reference = expected(config, tensors, previous, fromTokens(state, batch, observationDim, observationSteps));
  expectClose(fromTokens(probes.get('prediction') as Float32Array, batch, actionDim, horizon), reference, TOLERANCE, 'prediction');
}
