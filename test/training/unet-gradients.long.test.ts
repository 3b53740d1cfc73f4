import { describe, expect, it } from 'vitest';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import type { UNetBatch } from '../../src/training/training-step.js';
import { UNET_PREFIX } from '../../src/training/unet/parameters.js';
import { useTestDevice } from '../support/device.js';
import { referenceUnet } from '../support/reference-networks.js';
import { openTraining, randomBatch, randomWeights, SCHEDULE, SMALL_UNET } from '../support/unet-training.js';
import { Normals, valueAt, valuesOf } from '../support/values.js';

/** The masked loss of a batch in float64. */
function referenceLoss(
  weights: ReadonlyMap<string, Float32Array>,
  shape: UnetShape,
  batch: UNetBatch,
  predicts: 'epsilon' | 'sample',
): number {
  const { horizon, actionDim, conditioningDim } = shape;
  const alphas = alphasCumprod(SCHEDULE, 'pytorch');
  const tensors = Object.fromEntries([...weights].map(([name, values]) => [name.replace(UNET_PREFIX, ''), values]));
  let [sum, counted] = [0, 0];
  for (let b = 0; b < batch.count; b++) {
    const of = (values: Float32Array, t: number, d: number): number => values[(b * horizon + t) * actionDim + d] as number;
    const timestep = batch.timesteps[b] as number;
    const alpha = alphas[timestep] as number;
    const x = valuesOf(
      1,
      actionDim,
      horizon,
      (_b, d, t) => Math.sqrt(alpha) * of(batch.actions, t, d) + Math.sqrt(1 - alpha) * of(batch.noise, t, d),
    );
    const conditioning = valuesOf(1, conditioningDim, 1, (_b, c) => batch.conditioning[b * conditioningDim + c] as number);
    const output = referenceUnet(tensors, shape, x, timestep, conditioning);
    const target = predicts === 'epsilon' ? batch.noise : batch.actions;
    for (let t = 0; t < horizon; t++) {
      if (batch.validity && batch.validity[b * horizon + t] === 0) continue;
      for (let d = 0; d < actionDim; d++) sum += (valueAt(output, 0, d, t) - of(target, t, d)) ** 2;
      counted += actionDim;
    }
  }
  return sum / Math.max(1, counted);
}

const SHAPES: readonly { readonly what: string; readonly shape: UnetShape; readonly predicts: 'epsilon' | 'sample' }[] = [
  { what: 'two levels', shape: SMALL_UNET, predicts: 'epsilon' },
  { what: 'one level, FiLM with bias alone', shape: { ...SMALL_UNET, downDims: [8], scaleModulation: false }, predicts: 'sample' },
];

describe('the gradients of a whole network', () => {
  const device = useTestDevice();

  it.each(SHAPES)('agree with differences of the float64 loss along random directions: $what', async ({ shape, predicts }) => {
    const training = await openTraining(device(), { shape, predictionType: predicts, ema: false });
    try {
      const batch = randomBatch(shape, 3, 9);
      training.run(batch, null);
      const { loss } = await training.metrics();
      const gradients = await training.read('gradients');
      const weights = randomWeights(training);
      expect(loss / referenceLoss(weights, shape, batch, predicts)).toBeCloseTo(1, 5);
      const largest = Math.max(...[...gradients.values()].map((values) => Math.hypot(...values)));
      const random = new Normals(11);
      for (const [name, values] of weights) {
        // Weights are f32, so the two sides differ by what they were rounded to, not by twice the step.
        const direction = random.floats(values.length, 1e-4);
        const moved = (sign: number): Float32Array => values.map((value, i) => value + sign * (direction[i] as number));
        const [above, below] = [moved(1), moved(-1)];
        const claimed = (gradients.get(name) as Float32Array).reduce(
          (sum, g, i) => sum + g * ((above[i] as number) - (below[i] as number)),
          0,
        );
        const lossOf = (changed: Float32Array): number => referenceLoss(new Map([...weights, [name, changed]]), shape, batch, predicts);
        const found = lossOf(above) - lossOf(below);
        const scale = 2e-4 * Math.max(Math.hypot(...(gradients.get(name) as Float32Array)), 1e-2 * largest);
        expect(Math.abs(found - claimed) / scale, name).toBeLessThan(1e-3);
      }
    } finally {
      training.dispose();
    }
  });
});
