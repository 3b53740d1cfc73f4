import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { f16BitsToF32, f32ToF16Bits } from '../../../src/foundation/half.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import type { TrainingEvent } from '../../../src/training/loop/events.js';
import { imageBatch } from '../../../src/training/loop/image-batches.js';
import { type MemoryStorage, memoryStorage } from '../../../src/training/loop/run-storage.js';
import type { TrainOptions } from '../../../src/training/loop/train-options.js';
import { type TrainPolicyOptions, trainPolicy } from '../../../src/training/loop/train-policy.js';
import { useTestDevice } from '../../support/device.js';
import { CAMERAS, FRAME } from '../../support/image-policy.js';
import { pictureDataset, pictureOf } from '../../support/picture-dataset.js';
import { TINY_SIZES } from '../../support/tiny-training.js';
import { expectSameAfterInterruption } from '../../support/training-runs.js';

const CROP = [33, 40] as const;

describe('a policy with cameras', () => {
  const device = useTestDevice();
  const options = (storage: MemoryStorage, more: Partial<TrainOptions> = {}): TrainPolicyOptions => ({
    device: device(),
    dataset: pictureDataset([]),
    storage,
    steps: 4,
    batchSize: 3,
    validation: 0.25,
    metricsEvery: 1,
    evaluateEvery: 4,
    saveEvery: 4,
    preset: 'diffusion-policy',
    optimizer: { warmupSteps: 0, learningRate: 1e-3 },
    sizes: TINY_SIZES,
    horizon: 8,
    actionSteps: 4,
    scheduler: { numTrainTimesteps: 20 },
    observations: [...CAMERAS],
    crop: CROP,
    ...more,
  });

  it('is trained with its encoder, and is what the engine runs and LeRobot would read', async () => {
    const storage = memoryStorage();
    const events: TrainingEvent[] = [];
    await trainPolicy(options(storage, { onEvent: (event) => void events.push(event) }));
    const evaluation = events.find((event) => event.kind === 'evaluation');
    expect(evaluation?.figures['validation chunk error']).toBeGreaterThan(0);
    const source = memorySource('result', Object.fromEntries(storage.files));
    const checkpoint = await loadPolicyCheckpoint(source);
    expect(checkpoint.images).toMatchObject({ frame: [FRAME.height, FRAME.width], crop: CROP, isSeparate: false });
    expect(checkpoint.images?.encoder).toMatchObject({ norm: 'group', keypoints: 32, encoders: 1, height: 33, width: 40 });
    expect(checkpoint.warnings).toEqual([]);
    // ImageNet's statistics, as LeRobot writes them.
    const camera = checkpoint.observations.find(({ kind }) => kind === 'image');
    [0.485, 0.456, 0.406].forEach((mean, channel) => expect(camera?.normalizer.subtract[channel]).toBeCloseTo(mean, 6));
    const policy = await loadPolicy(source, { device: device(), strategy: { name: 'DDIM', steps: 2 } });
    const action = await policy.act({
      'observation.state': [0, 0],
      ...Object.fromEntries(CAMERAS.map((name) => [name, pictureOf(name, 1)])),
    });
    expect([...action].every((value) => Math.abs(value) <= 1.001)).toBe(true);
    await policy.dispose();
  });

  it('is trained, saved, gone on with and loaded in f16 storage; what is written is f32', { timeout: 900_000 }, async () => {
    const losses = new Map<string, number[]>();
    const run = async (storage: MemoryStorage, precision: 'f16' | 'f32', more: Partial<TrainOptions> = {}): Promise<void> => {
      const found: number[] = [];
      losses.set(precision, found);
      const onEvent = (event: TrainingEvent): void => void (event.kind === 'step' && found.push(event.loss));
      await trainPolicy(options(storage, { steps: 5, evaluateEvery: 5, saveEvery: 5, precision, onEvent, ...more }));
    };
    const storage = await expectSameAfterInterruption((_, kept, more) => run(kept, 'f16', more), device());
    await run(memoryStorage(), 'f16');
    await run(memoryStorage(), 'f32');
    const [halves, floats] = [losses.get('f16') as number[], losses.get('f32') as number[]];
    // Rounded weights: near, and not the same.
    for (const [step, loss] of floats.entries()) {
      expect(halves[step]).not.toBe(loss);
      expect(Math.abs((halves[step] as number) / loss - 1)).toBeLessThan(0.02);
    }
    const source = memorySource('result', Object.fromEntries(storage.files));
    const checkpoint = await loadPolicyCheckpoint(source);
    const bias = await checkpoint.encoders?.weights.readFloats('rgb_encoder.backbone.0.weight');
    expect(bias?.some((value) => value !== f16BitsToF32(f32ToF16Bits(value)))).toBe(true);
    const observation = { 'observation.state': [0, 0], ...Object.fromEntries(CAMERAS.map((name) => [name, pictureOf(name, 1)])) };
    const actions: Float32Array[] = [];
    for (const precision of ['f16', 'f32'] as const) {
      const policy = await loadPolicy(memorySource('result', Object.fromEntries(storage.files)), {
        device: device(),
        precision,
        seed: 3,
        strategy: { name: 'DDIM', steps: 2 },
      });
      actions.push(Float32Array.from(await policy.act(observation)));
      await policy.dispose();
    }
    const [rounded, whole] = actions as [Float32Array, Float32Array];
    rounded.forEach((value, i) => expect(Math.abs(value - (whole[i] as number))).toBeLessThan(0.02));
    await checkpoint.close();
  });

  it('that was interrupted and gone on with equals one that was not, bit by bit', async () => {
    await expectSameAfterInterruption(
      (_, storage, more) => trainPolicy(options(storage, { steps: 5, evaluateEvery: 5, saveEvery: 5, ...more })),
      device(),
    );
  });

  it('sees pictures cropped at one place for all, or at one for each, in the middle when it is judged', async () => {
    const dataset = pictureDataset([]);
    const vector = { mode: 'identity', subtract: new Float32Array(2), divide: new Float32Array(2).fill(1) } as const;
    const normalizer = { ...vector, multiply: new Float32Array(2).fill(1), add: new Float32Array(2) };
    const action = { name: 'action', size: 2, normalizer };
    const spec = { dataset, frame: [], action, horizon: 8, observationSteps: 2, timesteps: 20, maskPadding: false };
    const cameras = { names: CAMERAS, frame: [FRAME.height, FRAME.width], crop: CROP, isOnePlace: true, isSeparate: false } as const;
    const crops = async (isOnePlace: boolean, step: number): Promise<number[][]> => {
      const batch = await imageBatch(spec, { ...cameras, isOnePlace }, Int32Array.of(3, 4), 2, { seed: 1, step, noise: 'noise' });
      expect([...(batch.pictures[1] as Uint8Array).subarray(0, 9)]).toEqual([...pictureOf(CAMERAS[1], 2).data.subarray(0, 9)]);
      return (batch.crops ?? []).map((own) => [...own]);
    };
    const places = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const [left, right] = (await crops(true, step)) as [number[], number[]];
      expect(right).toEqual(left);
      for (let i = 0; i < left.length; i++) expect(left[i]).toBe(left[i % 2]);
      places.add(left[0] as number);
    }
    expect([...places].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    const each = (await Promise.all([0, 1, 2, 3, 4].map((step) => crops(false, step)))).flat(2);
    expect(new Set(each.filter((_, i) => i % 2 === 0))).toEqual(new Set([0, 1, 2]));
    const judged = await imageBatch(spec, cameras, Int32Array.of(3), 2, { seed: 1, step: 0, noise: 'validationNoise' });
    expect(judged.crops).toBeNull();
  });
});
