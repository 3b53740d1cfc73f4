import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { f32ToF16Bits, roundToF16 } from '../../src/foundation/half.js';
import type { TrainingEvent } from '../../src/training/loop/events.js';
import { memoryStorage } from '../../src/training/loop/run-storage.js';
import { QUERIES } from '../../src/training/predictor/parameters.js';
import { PredictorTraining } from '../../src/training/predictor/predictor-training.js';
import type { TrainingPrecision, TrainingStep } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { SMALL_PREDICTOR, smallBatch, smallWeights } from '../support/small-predictor.js';
import { expectSameAfterInterruption, tinyPolicyRun, tinyPredictorRun } from '../support/training-runs.js';
import { openTraining, randomBatch, randomWeights, SMALL_UNET, UPDATE } from '../support/unet-training.js';

const device = useTestDevice();
type Weights = ReadonlyMap<string, Float32Array>;

/** Matrices rounded to f16, as the passes read them; vectors as they are. */
function rounded(step: Pick<TrainingStep<never>, 'parameters'>, weights: Weights): Map<string, Float32Array> {
  const isMatrix = new Set(step.parameters.filter(({ name, shape }) => shape.length > 1 && name !== QUERIES).map(({ name }) => name));
  return new Map(
    [...weights].map(([name, values]) => {
      const copy = values.slice();
      if (isMatrix.has(name)) roundToF16(copy);
      return [name, copy];
    }),
  );
}

/** By name, short enough to be read. */
const bitsOf = (tensors: Weights): string[] =>
  [...tensors].map(([name, { buffer }]) => `${name} ${createHash('sha256').update(Buffer.from(buffer)).digest('hex').slice(0, 16)}`);

/** Two steps with an update between them, in f16, and the same gradients of networks in f32 that hold rounded weights. */
async function expectRoundedReads<Batch>(
  open: (precision: TrainingPrecision) => Promise<TrainingStep<Batch>>,
  batch: Batch,
  weights: (step: TrainingStep<Batch>) => Weights,
): Promise<void> {
  const [halves, whole] = [await open('f16'), await open('f32')];
  try {
    halves.write('weights', weights(halves));
    for (const stepNumber of [1, 2]) {
      whole.write('weights', rounded(whole, await halves.read('weights')));
      whole.run(batch, null);
      halves.run(batch, { ...UPDATE, emaDecay: null, clipNorm: null, learningRate: 0.01, stepNumber });
      expect(bitsOf(await halves.read('gradients'))).toEqual(bitsOf(await whole.read('gradients')));
      expect((await halves.metrics()).loss).toBe((await whole.metrics()).loss);
      const learned = [...(await halves.read('weights')).values()].flatMap((values) => [...values]);
      // f32 is what is learned: hardly any of it is a half.
      expect(learned.filter((value) => (f32ToF16Bits(value) & 0x7fff) !== 0).length).toBeGreaterThan(0.5 * learned.length);
      const exact = [...rounded(halves, await halves.read('weights')).values()].flatMap((values) => [...values]);
      expect(learned.filter((value, i) => value === exact[i]).length).toBeLessThan(0.5 * learned.length);
    }
    const { halves: bytes = 0, weights: all = 0 } = halves.memory;
    expect(bytes).toBe(all / 2);
    expect(whole.memory['halves']).toBeUndefined();
  } finally {
    halves.dispose();
    whole.dispose();
  }
}

describe('training in f16', () => {
  it('gives the gradients of f32 with rounded matrices, to the bit: U-Net', async () => {
    await expectRoundedReads(
      (precision) => openTraining(device(), { precision, ema: false }),
      randomBatch(SMALL_UNET, 3, 1),
      randomWeights,
    );
  });

  it('gives the gradients of f32 with rounded matrices, to the bit: predictor', async () => {
    const options = { shape: SMALL_PREDICTOR, batchSize: 3, ema: false };
    const open = (precision: TrainingPrecision): Promise<PredictorTraining> =>
      PredictorTraining.create(device(), { ...options, precision });
    await expectRoundedReads(open, smallBatch(2, 3, 3), () => smallWeights(1));
  });

  it('refuses weights that a half cannot hold, and leaves those before', async () => {
    const step = await openTraining(device(), { precision: 'f16' });
    const before = await step.read('weights');
    const [name, values] = [...before].find(([, { length }]) => length > 100) as [string, Float32Array];
    const large = new Map([...before, [name, values.map((value, i) => (i === 7 ? 65_520 : value))]]);
    expect(() => step.write('weights', large)).toThrow(`expected values within ±65504, as f16 holds them, found 65520 in "${name}"`);
    expect(bitsOf(await step.read('weights'))).toEqual(bitsOf(before));
    step.dispose();
  });
});

describe('a run in f16', () => {
  it.each([
    ['a policy', tinyPolicyRun],
    ['a predictor', tinyPredictorRun],
  ] as const)('of %s that was interrupted and gone on with equals one that was not, and is another one than in f32', async (_, run) => {
    const whole = await expectSameAfterInterruption((on, storage, more) => run(on, storage, { precision: 'f16', ...more }), device());
    await expect(run(device(), whole, { resume: true })).rejects.toThrow('precision nothing (the saved run has "f16")');
  });

  it('learns as it does in f32, step by step', async () => {
    const losses = async (precision: TrainingPrecision): Promise<number[]> => {
      const found: number[] = [];
      const onEvent = (event: TrainingEvent): void => {
        if (event.kind === 'step') found.push(event.loss);
      };
      await tinyPredictorRun(device(), memoryStorage(), { precision, steps: 60, evaluateEvery: 60, saveEvery: 60, onEvent });
      return found;
    };
    const [whole, halves] = [await losses('f32'), await losses('f16')];
    const apart = whole.map((loss, i) => Math.abs((halves[i] as number) / loss - 1));
    expect(apart).toHaveLength(60);
    expect(Math.max(...apart)).toBeGreaterThan(0);
    expect(Math.max(...apart)).toBeLessThan(0.01);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(halves.slice(-10))).toBeLessThan(0.8 * mean(halves.slice(0, 10)));
  });
});
