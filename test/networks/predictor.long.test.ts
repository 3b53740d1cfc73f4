import { describe, expect, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { expected, INT8_TOLERANCE, inputs, RELEASE, rounded, runPredictor, THREE_LAYERS, TOLERANCE } from '../support/predictor-runs.js';
import { randomPredictor } from '../support/random-checkpoint.js';
import { expectClose } from '../support/values.js';

describe('the predictor, a dispatch per layer', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });

  it.each(['f16', 'int8'] as const)('agrees with float64, %s', async (precision) => {
    const { tensors } = randomPredictor(RELEASE);
    const { chunk, observations } = inputs(RELEASE, 2);
    const { kind, dispatches, prediction } = await runPredictor(device(), RELEASE, tensors, precision, chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'tokens', dispatches: 5 });
    const weights = precision === 'f16' ? rounded(tensors) : tensors;
    expectClose(
      prediction,
      expected(RELEASE, weights, chunk, observations),
      precision === 'int8' ? INT8_TOLERANCE : TOLERANCE,
      'prediction',
    );
  });

  it('agrees with float64: three layers each', async () => {
    const { tensors } = randomPredictor(THREE_LAYERS);
    const { chunk, observations } = inputs(THREE_LAYERS, 2);
    const { kind, dispatches, prediction } = await runPredictor(device(), THREE_LAYERS, tensors, 'f32', chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'tokens', dispatches: 7 });
    expectClose(prediction, expected(THREE_LAYERS, tensors, chunk, observations), TOLERANCE, 'prediction');
  });
});
