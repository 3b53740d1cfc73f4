import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { predictorDropoutSites } from '../../src/training/predictor/dropout-sites.js';
import { PredictorTraining } from '../../src/training/predictor/predictor-training.js';
import type { PredictorBatch, UpdateScalars } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { isKept } from '../support/dropout.js';
import { lossSlope, referenceLoss, SMALL_PREDICTOR as SHAPE, smallBatch, smallWeights } from '../support/small-predictor.js';

const device = useTestDevice();
const SIZE = 3;
const UPDATE: UpdateScalars = {
  optimizer: 'adamw',
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-4,
  stepNumber: 1,
  clipNorm: 1,
  emaDecay: null,
};

type Tensors = ReadonlyMap<string, Float32Array>;

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

function bits(tensors: Tensors): Map<string, Uint32Array> {
  return new Map([...tensors].map(([name, values]) => [name, new Uint32Array(values.slice().buffer)]));
}

describe('the predictor in training', () => {
  it.each([SIZE, 2])('has the loss and the gradients of the reference, %i samples counting', async (count) => {
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

  it('gives the same bits twice, dropout and updates included', async () => {
    const train = (): Promise<Tensors> =>
      withTraining(async (training) => {
        for (let step = 0; step < 3; step++) {
          const dropout = { probability: 0.1, seed: 5, step };
          training.run({ ...smallBatch(step, SIZE), dropout }, { ...UPDATE, stepNumber: step + 1 });
        }
        return training.read('weights');
      });
    const weights = await train();
    expect(bits(await train())).toEqual(bits(weights));
    expect(bits(weights)).not.toEqual(bits(smallWeights(1)));
  });

  it('drops by a key what recorded masks of the same numbers drop', async () => {
    const key = { probability: 0.25, seed: 9, step: 4 };
    const masks = new Map(
      predictorDropoutSites(SHAPE, SIZE).map(({ name, elements }, site) => [
        name,
        Uint8Array.from({ length: elements }, (_, element) => (isKept(key, site, element) ? 1 : 0)),
      ]),
    );
    await withTraining(async (training) => {
      const gradients = async (dropout: PredictorBatch['dropout']): Promise<Map<string, Uint32Array>> => {
        training.run({ ...smallBatch(2, SIZE), dropout }, null);
        return bits(await training.read('gradients'));
      };
      const drawn = await gradients(key);
      expect(await gradients({ probability: key.probability, masks })).toEqual(drawn);
      expect(await gradients({ ...key, step: 5 })).not.toEqual(drawn);
      expect(await gradients(null)).not.toEqual(drawn);
    });
  });

  it('adds gradients of several batches', async () => {
    await withTraining(async (training) => {
      const gradients = async (seed: number, accumulate: boolean): Promise<Tensors> => {
        training.run(smallBatch(seed, SIZE), null, { accumulate });
        return training.read('gradients');
      };
      const first = await gradients(2, false);
      const second = await gradients(3, false);
      const again = await gradients(2, true);
      for (const [name, values] of again) {
        const [a, b] = [first.get(name) as Float32Array, second.get(name) as Float32Array];
        const error = largest(values.map((value, i) => value - (a[i] as number) - (b[i] as number)));
        expect(error, name).toBeLessThanOrEqual(1e-6 * Math.max(largest(a), largest(b)) + 1e-7);
      }
    });
  });

  it('refuses a step whose gradients are not finite', async () => {
    await withTraining(async (training) => {
      const weights = smallWeights(1);
      (weights.get('output_proj.bias') as Float32Array)[0] = Infinity;
      training.write('weights', weights);
      training.run(smallBatch(2, SIZE), UPDATE);
      expect(Number.isFinite((await training.metrics()).gradientNorm)).toBe(false);
      expect(bits(await training.read('weights'))).toEqual(bits(weights));
    });
  });

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
  ])('says what is wrong: %s', async (message, broken) => {
    await withTraining(async (training) => {
      const run = (): void => training.run(broken(smallBatch(2, SIZE)), null);
      expect(run).toThrow(OptionError);
      expect(run).toThrow(message);
    });
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
