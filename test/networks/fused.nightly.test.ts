import { expect, it } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { decideBatch } from '../support/golden-policy.js';
import { randomPolicy } from '../support/random-checkpoint.js';
import { referenceUnet } from '../support/reference-networks.js';
import { expectClose, Normals, type Values, valuesOf } from '../support/values.js';

/** Three levels: on the way up a convolution finishes sums without a norm, beside a skip that is there already. */
const unet: UnetShape = {
  actionDim: 3,
  horizon: 16,
  downDims: [8, 16, 24],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 4,
  scaleModulation: true,
};

const device = useTestDevice({ deviceClass: 'gpu' });

it('with the variants for GPUs a network of three levels agrees with float64', { timeout: 900_000 }, async () => {
  const normals = new Normals(5);
  const state = normals.floats(unet.conditioningDim, 0.3);
  const noise = normals.floats(unet.horizon * unet.actionDim);
  const { source, tensors } = randomPolicy(unet, unet.conditioningDim);
  const policy = await loadPolicy(source, { device: device(), probes: ['model_output'] });
  const [result] = await decideBatch(policy, state, 1, () => ({ previous: [], noise }));
  // Two convolutions for each of twelve blocks, five of residuals, two between levels in each direction, two at the end, the solver's step.
  expect(policy.info.dispatches).toBe(4 + 2 * (2 * 12 + 5 + 4 + 2 + 1));
  await policy.dispose();
  const values = (data: Float32Array): Values =>
    valuesOf(1, unet.actionDim, unet.horizon, (_, c, t) => data[t * unet.actionDim + c] as number);
  const conditioning = valuesOf(1, unet.conditioningDim, 1, (_, c) => state[c] as number);
  const expected = referenceUnet(tensors, unet, values(noise), result.timesteps[0] as number, conditioning);
  expectClose(values(result.probes.get('model_output.0') as Float32Array), expected, { atol: 2e-5, rtol: 2e-5 }, 'model output');
});
