import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/checkpoints/source.js';
import type { FeatureStatistics } from '../../../src/datasets/dataset.js';
import { DatasetError } from '../../../src/foundation/errors.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainPolicy } from '../../../src/training/loop/train-policy.js';
import { useTestDevice } from '../../support/device.js';
import { CIRCLING, expectSameAfterInterruption, tinyPolicyRun } from '../../support/training-runs.js';

describe('the training of a policy on a device', () => {
  const device = useTestDevice();

  it('that was interrupted and gone on with equals one that was not, bit by bit', async () => {
    await expectSameAfterInterruption(tinyPolicyRun, device());
  });

  it('is not begun with statistics that the rows contradict: they are read before anything is compiled', async () => {
    const statistics = new Map(CIRCLING.statistics);
    const state = statistics.get('observation.state') as FeatureStatistics;
    statistics.set('observation.state', { ...state, max: state.max.map((value) => value / 2) });
    const dataset = { ...CIRCLING, statistics, statisticsComputed: false, statisticsFile: 'meta/stats.json' };
    const refused = trainPolicy({ device: device(), dataset, storage: memoryStorage(), steps: 1 });
    await expect(refused).rejects.toThrow(DatasetError);
    await expect(refused).rejects.toThrow(
      /^meta\/stats\.json: "observation\.state", dimension 0: expected "max" of at least (90|89\.\d+), .* found 4[45]/,
    );
  });

  it('that goes on reads no rows for that: it looks for its run', async () => {
    const more = {
      resume: true,
      dataset: { ...CIRCLING, statisticsComputed: false, readRows: async () => Promise.reject(new Error('read')) },
    };
    await expect(tinyPolicyRun(device(), memoryStorage('empty'), more)).rejects.toThrow('empty: expected a saved run');
  });

  it('is not begun from a policy and a backbone at once; neither is read', async () => {
    const untouched = async (): Promise<never> => Promise.reject(new Error('read'));
    const initial = { ...memorySource('policy', {}), list: untouched, open: untouched };
    const backbone = { name: 'resnet18.safetensors', size: 100, read: untouched };
    const common = { device: device(), dataset: CIRCLING, storage: memoryStorage(), steps: 1 };
    await expect(trainPolicy({ ...common, initial, backbone })).rejects.toThrow(
      'trainPolicy: backbone is for encoders from scratch, and initial has its own: leave one of them out.',
    );
    await expect(trainPolicy({ ...common, backbone })).rejects.toThrow('read');
  });
});
