import { expect } from 'vitest';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { TrainingEvent } from '../../src/training/loop/events.js';
import { STATE_FILE } from '../../src/training/loop/run-state.js';
import { type MemoryStorage, memoryStorage } from '../../src/training/loop/run-storage.js';
import { type TrainCvaeOptions, trainCvae } from '../../src/training/loop/train-cvae.js';
import type { TrainOptions } from '../../src/training/loop/train-options.js';
import { trainPolicy } from '../../src/training/loop/train-policy.js';
import { trainPredictor } from '../../src/training/loop/train-predictor.js';
import { circlingDataset, circlingPolicy, TINY_PREDICTOR, TINY_SIZES } from './tiny-training.js';

export const CIRCLING = circlingDataset();

/** A training of a few steps of a tiny network. */
export type TinyRun = (device: ComputeDevice, storage: MemoryStorage, more?: Partial<TrainOptions>) => Promise<unknown>;

function common(device: ComputeDevice, storage: MemoryStorage): TrainOptions {
  const every = { metricsEvery: 1, evaluateEvery: 6, saveEvery: 6 };
  return { device, dataset: CIRCLING, storage, steps: 6, batchSize: 16, seed: 5, validation: 0.2, ...every };
}

export const tinyPolicyRun: TinyRun = (device, storage, more = {}) =>
  trainPolicy({
    ...common(device, storage),
    preset: 'diffusion-policy',
    optimizer: { warmupSteps: 2, learningRate: 1e-3 },
    sizes: TINY_SIZES,
    horizon: 8,
    actionSteps: 4,
    scheduler: { numTrainTimesteps: 20 },
    ...more,
  });

export const tinyPredictorRun: TinyRun = (device, storage, more = {}) =>
  trainPredictor({
    ...common(device, storage),
    policy: circlingPolicy(CIRCLING),
    sizes: TINY_PREDICTOR,
    optimizer: { warmupSteps: 2, learningRate: 1e-3, ema: 'lerobot' },
    ...more,
  });

export const tinyCvaeRun =
  (own: Pick<TrainCvaeOptions, 'release'>): TinyRun =>
  (device, storage, more = {}) =>
    trainCvae({
      ...common(device, storage),
      policy: circlingPolicy(CIRCLING),
      sizes: { latentDim: 3, hiddenDim: 16, hiddenLayers: 1 },
      optimizer: { warmupSteps: 2, learningRate: 1e-2 },
      ...own,
      ...more,
    });

/** Ended after a step, and gone on with. A run of at least two steps more: what a step found is told when the next one was begun. */
async function interrupted(run: TinyRun, device: ComputeDevice, at: number): Promise<MemoryStorage> {
  const storage = memoryStorage();
  const controller = new AbortController();
  const onEvent = (event: TrainingEvent): void => {
    if (event.kind === 'step' && event.step === at) controller.abort(new Error('enough'));
  };
  await expect(run(device, storage, { signal: controller.signal, onEvent })).rejects.toThrow('enough');
  await run(device, storage, { resume: true });
  return storage;
}

/** That a run of five steps or more, metrics of each, that was interrupted and gone on with left the bytes of one that was not. */
export async function expectSameAfterInterruption(run: TinyRun, device: ComputeDevice): Promise<MemoryStorage> {
  const whole = memoryStorage();
  await run(device, whole);
  const second = await interrupted(run, device, 3);
  for (const file of [STATE_FILE, 'model.safetensors']) {
    expect(Buffer.from(second.files.get(file) as Uint8Array).equals(whole.files.get(file) as Uint8Array), file).toBe(true);
  }
  return whole;
}
