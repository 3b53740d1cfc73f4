import { describe, expect, it } from 'vitest';
import type { PredictorShape } from '../../src/network-shapes.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import { useTestDevice } from '../support/device.js';
import { expectClose, Normals, valueAt, valuesOf, type Values } from '../support/values.js';
import { randomPolicy, randomPredictor } from './random-checkpoint.js';
import { referencePredictor } from './reference-networks.js';
function fromTokens(data: Float32Array, batch: number, channels: number, length: number): Values {
  return valuesOf(batch, channels, length, (b, c, t) => data[(b * length + t) * channels + c] as number);
}
const base = { kernelSize: 5, groups: 8, stepEmbedDim: 32, scaleModulation: true };
const config: PredictorShape = {
    actionDim: 2, observationDim: 5, horizon: 8, observationSteps: 2, historySteps: 8,
    encoderLayers: 2, modelDim: 128, heads: 4, decoderLayers: 2, feedforwardDim: 256,
  };
describe('gpu', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });
  it.each(['f32', 'f16', 'int8'] as const)('%s', async (precision) => {
    const { actionDim, horizon, observationDim, observationSteps, historySteps } = config;
    const conditioningDim = observationDim * observationSteps;
    const unet = { ...base, actionDim, horizon, downDims: [8], kernelSize: 1, groups: 1, stepEmbedDim: 4, conditioningDim };
    const { source: predictor, tensors } = randomPredictor(config);
    const batch = 2;
    const policy = await loadPolicy(randomPolicy(unet, observationDim).source, { device: device(), predictor, precision, taps: ['prediction'] });
    const normals = new Normals(8);
    const state = normals.floats(batch * conditioningDim, 0.3);
    const chunk = normals.floats(batch * horizon * actionDim, 0.5);
    const { taps } = await policy.plan({ 'observation.state': state }, { previous: [{ chunk, actionHorizon: chunk }], seed: 1 });
    console.log(precision, policy.info.dispatches);
    await policy.dispose();
    const previous = fromTokens(chunk, batch, actionDim, horizon);
    const history = valuesOf(batch, actionDim, historySteps, (b, c, t) => valueAt(previous, b, c, horizon - historySteps + t));
    const expected = referencePredictor(tensors, config, history, fromTokens(state, batch, observationDim, observationSteps));
    const t = { f32: 2e-5, f16: 3e-3, int8: 0.1 }[precision];
    expectClose(fromTokens(taps.get('prediction') as Float32Array, batch, actionDim, horizon), expected, { atol: t, rtol: t }, 'prediction');
    expect(1).toBe(1);
  });
});
