import { describe, expect, it } from 'vitest';
import { policyFiles, STATISTICS_FILE, type WrittenFeature } from '../../../src/checkpoints/lerobot/write-policy.js';
import { statisticsIdentity, storedStatisticsIdentity } from '../../../src/training/loop/run-statistics.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { tinyDescription } from '../../support/tiny-training.js';

const STATED = { min: [-1.1, 0], max: [1, 2], mean: [0.1, 1], std: [0.3, 0.7], q01: [-1, 0.1] };

function written(changes: Partial<typeof STATED> = {}): ReturnType<typeof tinyDescription> {
  const feature = (name: string): WrittenFeature => ({ name, shape: [2], statistics: { ...STATED, ...changes } });
  return tinyDescription({ inputs: [feature('observation.state')], action: feature('action'), conditioningDim: 4 });
}

describe('what a run normalises by', () => {
  it('is the pair of its mode, as it is written: other statistics and digits beyond float32 tell no run from another', async () => {
    const identity = await statisticsIdentity(written());
    expect(await statisticsIdentity(written({ mean: [5, 5], std: [1, 1], q01: [3, 3], min: [-1.1 - 1e-12, 0] }))).toBe(identity);
    expect(await statisticsIdentity(written({ max: [1, 2.5] }))).not.toBe(identity);
  });

  it('is read from the result of a run that was begun before it was kept', async () => {
    const storage = memoryStorage();
    expect(await storedStatisticsIdentity(storage, written())).toBeUndefined();
    await storage.write(STATISTICS_FILE, [policyFiles(written()).get(STATISTICS_FILE) as Uint8Array]);
    expect(await storedStatisticsIdentity(storage, written())).toBe(await statisticsIdentity(written()));
    expect(await storedStatisticsIdentity(storage, written())).not.toBe(await statisticsIdentity(written({ max: [1, 2.5] })));
    const others = { ...written(), action: { ...written().action, name: 'action.other' } };
    expect(await storedStatisticsIdentity(storage, others)).toBeUndefined();
  });
});
