import { describe, expect, it } from 'vitest';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden } from '../support/golden-policy.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';
import { randomGenerator, randomStudent } from '../support/random-method.js';

const FRAME = 3;
const elements = (shapes: Iterable<readonly number[]>): number =>
  [...shapes].reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);

describe('decisionCost', () => {
  const device = useTestDevice();

  it('counts the dispatches that info counts, and reads the weights of the U-Net once per evaluation', async () => {
    const policy = await loadPolicy(randomPolicy(SMALL_UNET, FRAME).source, { device: device(), strategy: { name: 'DDIM', steps: 2 } });
    try {
      const two = await policy.decisionCost();
      expect(two.dispatches).toBe(policy.info.dispatches);
      expect(two.trainedParameters).toBe(0);
      const four = await policy.decisionCost({ name: 'DDIM', steps: 4 });
      const perEvaluation = (four.weightBytes - two.weightBytes) / 2;
      // What is known before the noise is no part of it: embeddings of timesteps, and how conditioning becomes FiLM rows, which are in a table.
      // Channels are padded on the device, and so are these few to more than twice as many.
      const shapes = [...unetTensorShapes(SMALL_UNET)];
      const read = shapes.filter(([name]) => !/diffusion_step_encoder|cond_encoder/.test(name)).map(([, shape]) => shape);
      expect(perEvaluation).toBeGreaterThanOrEqual(4 * elements(read));
      expect(perEvaluation).toBeLessThan(3 * 4 * elements(read));
      expect(perEvaluation).toBeLessThan(policy.info.deviceBytes);
      // Once per decision: the rest of them, without the embedding.
      expect(two.weightBytes - 2 * perEvaluation).toBeGreaterThan(0);
    } finally {
      await policy.dispose();
    }
  });

  it('counts what is trained beside the policy, and rows of levels as memory', async () => {
    const methods = [randomStudent(SMALL_UNET, FRAME), randomGenerator(SMALL_UNET, FRAME)];
    const policy = await loadPolicy(randomPolicy(SMALL_UNET, FRAME).source, {
      device: device(),
      strategy: { name: 'DDIM', steps: 2 },
      networks: { methods },
    });
    try {
      const before = policy.info.deviceBytes;
      const generator = await policy.decisionCost({ name: 'OneDP' });
      expect(generator.trainedParameters).toBe(policy.info.parameters);
      const one = policy.info.deviceBytes;
      const student = await policy.decisionCost({ name: 'Consistency', steps: 3 });
      expect(student.trainedParameters).toBeGreaterThan(policy.info.parameters);
      // A row of OneDP's table for its one level; three of the student's, which embeds two values: each has a sinusoid and an embedding.
      const value = 2 * 4 * SMALL_UNET.stepEmbedDim;
      expect(one - before).toBeGreaterThan(value);
      expect(policy.info.deviceBytes - one).toBe(3 * (one - before + value));
    } finally {
      await policy.dispose();
    }
  });

  it('of STEP has its predictor in it, and not where the chunk is moved on', async () => {
    const policy = await loadGolden(device(), 'step-forward-noise', { predictor: true });
    try {
      const step = await policy.decisionCost({ name: 'STEP', budget: 2 });
      // What the predictor makes of its queries alone is known when it is loaded: those weights are not read again.
      const shifted = await policy.decisionCost({ name: 'STEP', budget: 2, predictor: 'shift' });
      const ddim = await policy.decisionCost({ name: 'DDIM', steps: 2 });
      expect(step.trainedParameters).toBeGreaterThan(0);
      expect(step.weightBytes - ddim.weightBytes).toBeGreaterThan(0.8 * 4 * step.trainedParameters);
      expect(shifted).toEqual(ddim);
    } finally {
      await policy.dispose();
    }
  });
});
