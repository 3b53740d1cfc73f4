import { describe, expect, it } from 'vitest';
import { loadStartCheckpoint } from '../../../src/checkpoints/predictor/read-predictor.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { loadPolicy } from '../../../src/entries/core.js';
import type { RunHistory } from '../../../src/training/loop/history.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { type CvaeRelease, trainCvae } from '../../../src/training/loop/train-cvae.js';
import { useTestDevice } from '../../support/device.js';
import { circlingPolicy } from '../../support/tiny-training.js';
import { CIRCLING, expectSameAfterInterruption, tinyCvaeRun } from '../../support/training-runs.js';

const device = useTestDevice();

describe.each<[CvaeRelease, number | undefined]>([
  ['step', undefined],
  ['step', 8],
  ['bridger', undefined],
])('the CVAE of %s, projection %s, trained on a device', (release, projectionDim) => {
  const own = {
    release,
    ...(projectionDim === undefined ? {} : { sizes: { latentDim: 3, hiddenDim: 16, hiddenLayers: 1, projectionDim } }),
  };

  it('interrupted and gone on with, it is the same bit by bit', async () => {
    await expectSameAfterInterruption(tinyCvaeRun(own), device());
  });

  it('learns, and is loaded as what decisions start from', async () => {
    const storage = memoryStorage();
    const run = tinyCvaeRun(own);
    const history = (await run(device(), storage, { steps: 300, evaluateEvery: 50, saveEvery: 300 })) as RunHistory;
    const errors = history.evaluations.map(({ figures }) => figures['validation error'] as number);
    expect(errors.at(-1)).toBeLessThan(0.5 * (errors[0] as number));

    const files = Object.fromEntries([...storage.files].filter(([name]) => /^(config\.json|model\.safetensors)$/.test(name)));
    const folder = memorySource('trained', files as Record<string, Uint8Array>);
    const checkpoint = await loadStartCheckpoint(folder);
    expect(checkpoint).toMatchObject({ kind: 'cvae', warnings: [] });
    if (projectionDim !== undefined) expect(checkpoint.config).toMatchObject({ conditionDim: projectionDim });
    await checkpoint.close();
    const policy = await loadPolicy(circlingPolicy(CIRCLING), {
      device: device(),
      networks: { predictor: memorySource('trained', files as Record<string, Uint8Array>) },
    });
    const observation = { 'observation.state': [50, 50], 'observation.environment_state': [1] };
    expect((await policy.act(observation)).every(Number.isFinite)).toBe(true);
    await policy.dispose();
  });
});

it('refuses dropout and a projection where the release has none', async () => {
  const options = { device: device(), dataset: CIRCLING, storage: memoryStorage(), steps: 1, policy: circlingPolicy(CIRCLING) };
  await expect(trainCvae({ ...options, release: 'bridger', dropout: 0.1 })).rejects.toThrow('dropout must be 0 for release bridger');
  await expect(trainCvae({ ...options, release: 'bridger', sizes: { projectionDim: 8 } })).rejects.toThrow('projectionDim');
  await expect(trainCvae({ ...options, sizes: { projectionDim: 10 } })).rejects.toThrow(
    'projection_dim: training needs a multiple of 4, found 10',
  );
});
