import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import { SafetensorsFile } from '../../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../../src/checkpoints/source.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import { type MemoryStorage, memoryStorage } from '../../../src/training/loop/run-storage.js';
import { type TrainPolicyOptions, trainPolicy } from '../../../src/training/loop/train-policy.js';
import { trainPredictor } from '../../../src/training/loop/train-predictor.js';
import { batchNormPolicy } from '../../support/batch-norm-policy.js';
import { useTestDevice } from '../../support/device.js';
import { CAMERAS } from '../../support/image-policy.js';
import { pictureDataset, pictureOf } from '../../support/picture-dataset.js';
import { TINY_PREDICTOR } from '../../support/tiny-training.js';
import { expectSameAfterInterruption } from '../../support/training-runs.js';

type Tensors = ReadonlyMap<string, Float32Array>;

async function tensorsOf(source: CheckpointSource): Promise<Tensors> {
  const file = await SafetensorsFile.open(await source.open('model.safetensors'));
  const found = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) found.set(name, (await file.readFloats(name)).slice());
  await source.close();
  return found;
}

const resultOf = ({ files }: MemoryStorage): CheckpointSource => memorySource('result', Object.fromEntries(files));
/** Names of tensors that are not the same, bit by bit. */
const changed = (a: Tensors, b: Tensors): string[] =>
  [...a].filter(([name, values]) => !values.every((value, i) => value === b.get(name)?.[i])).map(([name]) => name);

describe('a policy with batch norms, an encoder for each camera', () => {
  const device = useTestDevice();
  const options = (storage: MemoryStorage, more: Partial<TrainPolicyOptions> = {}): TrainPolicyOptions => ({
    device: device(),
    dataset: pictureDataset([]),
    storage,
    steps: 2,
    batchSize: 3,
    validation: 0.25,
    metricsEvery: 1,
    evaluateEvery: 2,
    saveEvery: 2,
    preset: 'lerobot',
    optimizer: { warmupSteps: 0, learningRate: 1e-3 },
    initial: batchNormPolicy(),
    ...more,
  });

  it('is trained on: weights and running statistics move, and the result has all tensors of the first', { timeout: 600_000 }, async () => {
    const storage = memoryStorage();
    await trainPolicy(options(storage));
    const [before, after] = [await tensorsOf(batchNormPolicy()), await tensorsOf(resultOf(storage))];
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    const moved = new Set(changed(before, after));
    const still = [...before.keys()].filter((name) => !moved.has(name));
    expect(still.filter((name) => !name.endsWith('pos_grid'))).toEqual([]);
    const variances = [...after].filter(([name]) => name.endsWith('running_var'));
    expect(variances.length).toBe(2 * 20);
    for (const [name, values] of variances) expect(Math.min(...values), name).toBeGreaterThan(0);
    const checkpoint = await loadPolicyCheckpoint(resultOf(storage));
    expect(checkpoint.images).toMatchObject({ isSeparate: true, encoder: { norm: 'batch', encoders: 2 } });
    await checkpoint.close();
    const policy = await loadPolicy(resultOf(storage), { device: device() });
    const pictures = Object.fromEntries(CAMERAS.map((name) => [name, pictureOf(name, 1)]));
    const action = await policy.act({ 'observation.state': [0, 0], ...pictures });
    expect([...action].every(Number.isFinite)).toBe(true);
    await policy.dispose();
  });

  it('keeps its running statistics where they are what it normalises by', { timeout: 600_000 }, async () => {
    const storage = memoryStorage();
    await trainPolicy(options(storage, { batchNorm: 'running', validation: 0 }));
    const moved = changed(await tensorsOf(batchNormPolicy()), await tensorsOf(resultOf(storage)));
    expect(moved.filter((name) => /running_/.test(name))).toEqual([]);
    expect(moved).toContain('diffusion.rgb_encoder.0.backbone.0.weight');
  });

  it('that was interrupted and gone on with equals one that was not, bit by bit, statistics and average too', {
    timeout: 900_000,
  }, async () => {
    await expectSameAfterInterruption(
      (_, storage, more) =>
        trainPolicy(
          options(storage, { steps: 5, evaluateEvery: 5, saveEvery: 5, preset: 'diffusion-policy', initial: batchNormPolicy(), ...more }),
        ),
      device(),
    );
  });

  it('has a predictor trained for it', { timeout: 600_000 }, async () => {
    const storage = memoryStorage();
    const history = await trainPredictor({
      device: device(),
      dataset: pictureDataset([]),
      policy: batchNormPolicy(),
      storage,
      steps: 4,
      batchSize: 4,
      validation: 0.25,
      evaluateEvery: 4,
      sizes: TINY_PREDICTOR,
    });
    expect(history.evaluations.at(-1)?.figures['validation error']).toBeGreaterThan(0);
    expect([...storage.files.keys()]).toContain('model.safetensors');
  });
});
