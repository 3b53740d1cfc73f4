import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision } from '../../src/policy/policy.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { decideBatch, sampleOf } from '../support/golden-policy.js';
import { randomPolicy } from '../support/random-checkpoint.js';
import { referenceUnet } from '../support/reference-networks.js';
import { expectClose, Normals, type Values, valuesOf } from '../support/values.js';

const BATCH = 2;
/** As the random checkpoint says. */
const STEPS = 2;
/** Two levels of 8 and 4 columns, with residual convolutions and a skip. */
const unet: UnetShape = {
  actionDim: 3,
  horizon: 8,
  downDims: [16, 32],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 4,
  scaleModulation: true,
};
const BLOCKS = [
  'down_modules.0.0',
  'down_modules.0.1',
  'down_modules.1.0',
  'down_modules.1.1',
  'mid_modules.0',
  'mid_modules.1',
  'up_modules.0.0',
  'up_modules.0.1',
];
const PROBES = [
  ...BLOCKS.flatMap((block) => ['', '.conv1', '.conv2', '.conv1.block.0', '.conv2.block.0'].map((part) => `activation.${block}${part}`)),
  ...['down_modules.0.0', 'down_modules.1.0', 'up_modules.0.0'].map((block) => `activation.${block}.residual_conv`),
  ...['down_modules.0.2', 'down_modules.1.2', 'up_modules.0.2', 'final_conv.0.block.0', 'final_conv.0'].map((name) => `activation.${name}`),
  'model_output',
];

describe('with the variants for GPUs a convolution finishes the one before it', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });
  const normals = new Normals(3);
  const state = normals.floats(BATCH * unet.conditioningDim, 0.3);
  const noise = normals.floats(BATCH * unet.horizon * unet.actionDim);
  const { source, tensors } = randomPolicy(unet, unet.conditioningDim);

  async function decide(
    probes: readonly string[],
  ): Promise<{ results: readonly [Decision, ...Decision[]]; dispatches: number | undefined }> {
    const policy = await loadPolicy(source, { device: device(), probes });
    const results = await decideBatch(policy, state, BATCH, (b) => ({ previous: [], noise: sampleOf(noise, BATCH, b) }));
    const { dispatches } = policy.info;
    await policy.dispose();
    return { results, dispatches };
  }

  const fromTokens = (data: Float32Array): Values =>
    valuesOf(BATCH, unet.actionDim, unet.horizon, (b, c, t) => data[(b * unet.horizon + t) * unet.actionDim + c] as number);

  it('and the network agrees with float64', async () => {
    const {
      results: [result],
    } = await decide(['model_output']);
    const conditioning = valuesOf(BATCH, unet.conditioningDim, 1, (b, c) => state[b * unet.conditioningDim + c] as number);
    const expected = referenceUnet(tensors, unet, fromTokens(noise), result.timesteps[0] as number, conditioning);
    expectClose(fromTokens(result.probes.get('model_output.0') as Float32Array), expected, { atol: 2e-5, rtol: 2e-5 }, 'model output');
  });

  it('and probes of the values inside change nothing', async () => {
    const plain = await decide([]);
    const probed = await decide(PROBES);
    const chunks = (results: readonly Decision[]): Float32Array[] => results.map(({ normalizedChunk }) => normalizedChunk);
    expect(chunks(probed.results)).toEqual(chunks(plain.results));
    expect(probed.dispatches).toBe(plain.dispatches);
    // Three segments around it; two convolutions a block and three of residuals, one between levels in each direction, two at the end, the step.
    expect(plain.dispatches).toBe(4 + (2 * BLOCKS.length + 3 + 2 + 2 + 1) * STEPS);
    for (const name of PROBES) expect([...probed.results[0].probes.keys()], name).toContain(`${name}.0`);
  });
});

describe('with the variants for GPUs and for lavapipe, lengths that do not suit four columns at once agree with float64', () => {
  const gpu = useTestDevice({ deviceClass: 'gpu' });
  const lavapipe = useTestDevice({ deviceClass: 'lavapipe' });

  it.each([
    ['gpu', 10, gpu],
    ['lavapipe', 10, lavapipe],
    // Its tiles of 10 columns begin at a column that is no multiple of 4.
    ['gpu', 20, gpu],
  ] as const)('of class %s, horizon %i', async (_, horizon, device) => {
    const shape = { ...unet, horizon };
    const { source, tensors } = randomPolicy(shape, shape.conditioningDim, { names: 'diffusion-policy' });
    const policy = await loadPolicy(source, { device: device(), probes: ['model_output'] });
    const normals = new Normals(4);
    const state = normals.floats(BATCH * shape.conditioningDim, 0.3);
    const noise = normals.floats(BATCH * horizon * shape.actionDim);
    const [result] = await decideBatch(policy, state, BATCH, (b) => ({ previous: [], noise: sampleOf(noise, BATCH, b) }));
    await policy.dispose();
    const values = (data: Float32Array): Values =>
      valuesOf(BATCH, shape.actionDim, horizon, (b, c, t) => data[(b * horizon + t) * shape.actionDim + c] as number);
    const conditioning = valuesOf(BATCH, shape.conditioningDim, 1, (b, c) => state[b * shape.conditioningDim + c] as number);
    const expected = referenceUnet(tensors, shape, values(noise), 50, conditioning);
    expectClose(values(result.probes.get('model_output.0') as Float32Array), expected, { atol: 2e-5, rtol: 2e-5 }, 'model output');
  });
});
