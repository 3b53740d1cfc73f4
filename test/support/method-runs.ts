import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import type { TrainedMethodName } from '../../src/training/loop/methods/kinds.js';
import { type TrainMethodOptions, trainMethod } from '../../src/training/loop/methods/train-method.js';
import { type MemoryStorage, memoryStorage } from '../../src/training/loop/run-storage.js';
import { circlingPolicy } from './tiny-training.js';
import { CIRCLING, type TinyRun } from './training-runs.js';

/** The network that a run left. */
export function trainedFolder({ files }: MemoryStorage): CheckpointSource {
  return memorySource(
    'trained',
    Object.fromEntries(['config.json', 'model.safetensors'].map((name) => [name, files.get(name) as Uint8Array])),
  );
}

/** A few steps of a method's tiny network, beside a policy whose weights say nothing. */
export function tinyMethodRun(
  method: TrainedMethodName,
  own: Partial<TrainMethodOptions> | (() => Partial<TrainMethodOptions>) = {},
): TinyRun {
  return (device, storage, more = {}) =>
    trainMethod({
      device,
      storage,
      dataset: CIRCLING,
      method,
      policy: circlingPolicy(CIRCLING),
      steps: 6,
      batchSize: 16,
      seed: 5,
      validation: 0.2,
      metricsEvery: 1,
      evaluateEvery: 6,
      saveEvery: 6,
      optimizer: { warmupSteps: 2, learningRate: 1e-3, schedule: 'constant' },
      ...(typeof own === 'function' ? own() : own),
      ...more,
    });
}

/** A teacher of a consistency policy, from a run of its own. */
export async function tinyTeacher(device: ComputeDevice, steps = 6): Promise<MemoryStorage> {
  const storage = memoryStorage();
  await tinyMethodRun('consistency-teacher', { steps })(device, storage);
  return storage;
}

/** What a trained network decides beside its policy, through `decide()` as any program calls it. */
export async function decidedChunk(device: ComputeDevice, storage: MemoryStorage, strategy: StrategyOptions): Promise<Float32Array> {
  const policy = await loadPolicy(circlingPolicy(CIRCLING), { device, strategy, networks: { methods: trainedFolder(storage) } });
  try {
    const window = { 'observation.state': Float32Array.of(50, 50, 60, 60), 'observation.environment_state': Float32Array.of(1, 1) };
    const [decision] = await policy.decideAll([{ window, previous: [], seed: 1 }]);
    return (decision as NonNullable<typeof decision>).normalizedChunk;
  } finally {
    await policy.dispose();
  }
}
