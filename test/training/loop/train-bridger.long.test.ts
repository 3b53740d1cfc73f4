import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/checkpoints/source.js';
import { loadPolicy } from '../../../src/entries/core.js';
import type { RunHistory } from '../../../src/training/loop/history.js';
import { trainMethod } from '../../../src/training/loop/methods/train-method.js';
import { type MemoryStorage, memoryStorage } from '../../../src/training/loop/run-storage.js';
import { useTestDevice } from '../../support/device.js';
import { circlingPolicy } from '../../support/tiny-training.js';
import { CIRCLING, expectSameAfterInterruption, type TinyRun, tinyCvaeRun } from '../../support/training-runs.js';

const device = useTestDevice();

function folderOf({ files }: MemoryStorage): ReturnType<typeof memorySource> {
  return memorySource(
    'trained',
    Object.fromEntries([...files].filter(([name]) => /^(config\.json|model\.safetensors)$/.test(name))) as Record<string, Uint8Array>,
  );
}

async function priorFolder(): Promise<ReturnType<typeof memorySource>> {
  const storage = memoryStorage();
  await tinyCvaeRun({ release: 'bridger' })(device(), storage);
  return folderOf(storage);
}

const bridgerRun =
  (prior: boolean): TinyRun =>
  async (on, storage, more = {}) =>
    trainMethod({
      device: on,
      dataset: CIRCLING,
      storage,
      method: 'bridger',
      policy: circlingPolicy(CIRCLING),
      steps: 6,
      batchSize: 16,
      seed: 5,
      validation: 0.2,
      metricsEvery: 1,
      evaluateEvery: 6,
      saveEvery: 6,
      optimizer: { learningRate: 2e-3 },
      ...(prior ? { prior: await priorFolder() } : {}),
      ...more,
    });

describe("BRIDGER's networks, trained on a device", () => {
  it.each([
    ['noise', false],
    ["a CVAE's chunks", true],
  ])('from %s: the same bits after an interruption', async (_what, prior) => {
    await expectSameAfterInterruption(bridgerRun(prior), device());
  });

  it('learn, and are loaded beside the policy and its prior', async () => {
    const prior = await priorFolder();
    const storage = memoryStorage();
    const history = (await bridgerRun(false)(device(), storage, { steps: 120, evaluateEvery: 30, prior } as object)) as RunHistory;
    const losses = history.evaluations.map(({ figures }) => figures['validation loss'] as number);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    const policy = await loadPolicy(circlingPolicy(CIRCLING), {
      device: device(),
      networks: { methods: folderOf(storage), predictor: await priorFolder() },
      strategy: { name: 'BRIDGER', steps: 3 },
    });
    expect(policy.info.warnings).toEqual([]);
    const observation = { 'observation.state': [50, 50], 'observation.environment_state': [1] };
    expect((await policy.act(observation)).every(Number.isFinite)).toBe(true);
    await policy.dispose();
  });

  it('refuse a prior that is none of this policy', async () => {
    const options = { device: device(), dataset: CIRCLING, storage: memoryStorage(), steps: 1, policy: circlingPolicy(CIRCLING) };
    await expect(trainMethod({ ...options, method: 'bridger', horizon: 16, prior: await priorFolder() })).rejects.toThrow(
      /its horizon is 8, the network's is 16/,
    );
  });
});
