import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { PredictorTraining } from '../../src/training/predictor/predictor-training.js';
import type { PredictorBatch } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { lossSlope, referenceLoss, SMALL_PREDICTOR as SHAPE, smallBatch, smallWeights } from '../support/small-predictor.js';

const device = useTestDevice();
const SIZE = 3;

async function withTraining<T>(work: (training: PredictorTraining) => Promise<T>): Promise<T> {
  const training = await PredictorTraining.create(device(), { shape: SHAPE, batchSize: SIZE, ema: false });
  try {
    training.write('weights', smallWeights(1));
    return await work(training);
  } finally {
    training.dispose();
  }
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('the predictor in training', () => {
  it('has the loss and the gradients of the reference, of the samples that count', async () => {
    const count = 2;
    const batch = smallBatch(2, SIZE, count);
    const weights = smallWeights(1);
    const { loss, gradients } = await withTraining(async (training) => {
      training.run(batch, null);
      return { loss: (await training.metrics()).loss, gradients: await training.read('gradients') };
    });
    const expected = referenceLoss(weights, batch);
    expect(Math.abs(loss - expected)).toBeLessThan(1e-5 * expected);
    expect([...gradients.keys()]).toEqual([...weights.keys()]);
    for (const [name, gradient] of gradients) {
      const element = gradient.findIndex((value) => Math.abs(value) === largest(gradient));
      const error = Math.abs((gradient[element] as number) - lossSlope(weights, batch, name, element));
      expect(error, `${name}, element ${element}`).toBeLessThanOrEqual(1e-4 * largest(gradient) + 1e-6);
    }
    const bias = gradients.get('cond_encoder.layers.0.self_attn.in_proj_bias') as Float32Array;
    const keys = largest(bias.subarray(SHAPE.modelDim, 2 * SHAPE.modelDim));
    expect(keys, 'key biases have no gradient').toBeLessThan(1e-6 * largest(bias));
  });

  it('refuses weights that do not fit, and networks that cannot be trained', async () => {
    await withTraining(async (training) => {
      const weights = smallWeights(1);
      const split = 'cross_attention_layers.0.cross_attn.in_proj_weight';
      expect(() => training.write('weights', new Map([...weights, [split, new Float32Array(3)]]))).toThrow(`values of "${split}"`);
      expect(() => training.write('weights', new Map([...weights, ['other', new Float32Array(3)]]))).toThrow('"other" is no parameter');
    });
    const create = (change: object): Promise<PredictorTraining> =>
      PredictorTraining.create(device(), { shape: { ...SHAPE, ...change }, batchSize: SIZE, ema: false });
    await expect(create({ modelDim: 6 })).rejects.toThrow('d_model: training needs a multiple of 4, found 6');
    const positions = { action: new Float32Array(3), observation: new Float32Array(24) };
    const short = PredictorTraining.create(device(), { shape: SHAPE, batchSize: SIZE, ema: false, positions });
    await expect(short).rejects.toThrow('positions.action: expected at least 5 × 12 values');
  });
});

describe('a batch of the predictor', () => {
  let training: PredictorTraining | undefined;
  beforeAll(async () => {
    training = await PredictorTraining.create(device(), { shape: SHAPE, batchSize: SIZE, ema: false });
  });
  afterAll(() => training?.dispose());

  it.each<[string, (batch: PredictorBatch) => PredictorBatch]>([
    ['batch.count: expected an integer from 1 to 3', (batch) => ({ ...batch, count: 4 })],
    ['batch.previous: expected 3 × 15 values', (batch) => ({ ...batch, previous: new Float32Array(4) })],
    ['batch.target: expected finite values, found NaN for sample 2', (batch) => ({ ...batch, target: batch.target.fill(NaN, 31) })],
    [
      'batch.dropout.probability: expected a number from 0 to below 1, found 1',
      (batch) => ({ ...batch, dropout: { probability: 1, seed: 1, step: 1 } }),
    ],
    ['batch.dropout.seed: expected an integer', (batch) => ({ ...batch, dropout: { probability: 0.1, seed: -1, step: 1 } })],
    ['batch.dropout.step: expected an integer', (batch) => ({ ...batch, dropout: { probability: 0.1, seed: 1, step: 0.5 } })],
    [
      'dropout mask "cond_encoder.layers.0.self_attn.probabilities": expected',
      (batch) => ({ ...batch, dropout: { probability: 0.1, masks: new Map() } }),
    ],
  ])('says what is wrong: %s', (message, broken) => {
    const run = (): void => training?.run(broken(smallBatch(2, SIZE)), null);
    expect(run).toThrow(OptionError);
    expect(run).toThrow(message);
  });
});
