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
          if (event.kind !== 'step') return;
          losses.push(event.loss);
          // A run takes minutes, or many: what it has so far shall be seen.
          if (event.step % 10 === 0) console.info(`${event.step}: ${mean(losses.slice(-10)).toFixed(4)}`);
        },
      });
      const means = (curves?.curves.fast.bands ?? []).map(({ steps: [first, end], low, high }) => {
        const found = mean(losses.slice(first, end));
        return { first, end, found, low, high, isWithin: found >= low && found <= high };
      });
      console.info(JSON.stringify(means));
      expect(means).toHaveLength(3);
      expect(means.filter(({ isWithin }) => !isWithin)).toEqual([]);
    },
    7_200_000,
  );
});
