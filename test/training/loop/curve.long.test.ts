import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainPolicy } from '../../../src/training/loop/train-policy.js';
import { dataFolder } from '../../support/data.js';
import { useTestDevice } from '../../support/device.js';
import { pushTDataset } from '../../support/push-t-dataset.js';

interface Curve {
  readonly bands: readonly { readonly steps: readonly [number, number]; readonly low: number; readonly high: number }[];
}

const folder = dataFolder('pusht', 'the loss of the first 300 steps on Push-T');
const curves =
  folder === undefined
    ? undefined
    : (JSON.parse(readFileSync(`${folder}/../../goldens/training/train-curve/curve.json`, 'utf8')) as {
        readonly curves: { readonly fast: Curve };
      });

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('the loss of the first 300 steps', () => {
  const device = useTestDevice();

  it.skipIf(!curves)(
    'of the small U-Net from scratch is within the bands of PyTorch runs with other weights, orders and noise',
    async () => {
      const losses: number[] = [];
      await trainPolicy({
        device: device(),
        dataset: pushTDataset(folder as string),
        storage: memoryStorage(),
        steps: 300,
        batchSize: 64,
        validation: 0,
        metricsEvery: 1,
        evaluateEvery: 300,
        sizes: { downDims: [64, 128, 256] },
        optimizer: { optimizer: 'adamw', learningRate: 1e-3, warmupSteps: 50 },
        onEvent: (event) => {
          if (event.kind === 'step') losses.push(event.loss);
          if (event.kind === 'step' && event.step % 10 === 0)
            console.info(event.step, event.loss, event.gradientNorm, event.stepsPerSecond);
          if (event.kind === 'evaluation') console.info(event.figures);
        },
      });
      const means = (curves?.curves.fast.bands ?? []).map(({ steps: [first, end], low, high }) => {
        const mean = losses.slice(first, end).reduce((sum, loss) => sum + loss, 0) / (end - first);
        return { first, mean, isWithin: mean >= low && mean <= high };
      });
      console.info(means);
      expect(
        means.every(({ isWithin }) => isWithin),
        JSON.stringify(means),
      ).toBe(true);
    },
    7_200_000,
  );
});
