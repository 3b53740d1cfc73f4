import { describe, expect, it } from 'vitest';
import { predictorDropoutSites } from '../../src/training/predictor/dropout-sites.js';
import { PredictorTraining } from '../../src/training/predictor/predictor-training.js';
import type { PredictorBatch, UpdateScalars } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { isKept } from '../support/dropout.js';
import { SMALL_PREDICTOR as SHAPE, smallBatch, smallWeights } from '../support/small-predictor.js';

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

/** What the daily test, predictor.test.ts, has no time for. */
describe('the predictor in training', () => {
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
});
