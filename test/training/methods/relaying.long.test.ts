import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import { useTestDevice } from '../../support/device.js';
import { tinyMethodRun, trainedFolder } from '../../support/method-runs.js';
import { circlingPolicy } from '../../support/tiny-training.js';
import { at } from '../../support/toy.js';
import { CIRCLING, expectSameAfterInterruption } from '../../support/training-runs.js';

/** Several compilations of a software driver. */
const COMPILES_MS = 300_000;

describe('the training of RNR-DP', () => {
  const device = useTestDevice();

  it(
    'that was interrupted and gone on with equals one that was not, bit by bit, and its folder decides, beside a policy of another horizon',
    async () => {
      const storage = await expectSameAfterInterruption(tinyMethodRun('rnr-dp', { horizon: 16 }), device());
      const policy = await loadPolicy(circlingPolicy(CIRCLING), {
        device: device(),
        strategy: { name: 'RNR-DP' },
        networks: { methods: trainedFolder(storage) },
      });
      try {
        expect(policy.info.horizon).not.toBe(16);
        const window = { 'observation.state': Float32Array.of(50, 50, 60, 60), 'observation.environment_state': Float32Array.of(1, 1) };
        const episode = policy.beginEpisode({ seed: 1 });
        const decided = [await policy.decideAll([{ episode, window }]), await policy.decideAll([{ episode, window }])].map((made) =>
          at(made, 0),
        );
        expect(decided.map(({ evaluations }) => evaluations)).toEqual([16, 1]);
        for (const { normalizedChunk, actions } of decided) {
          expect(normalizedChunk).toHaveLength(16 * policy.info.actionDim);
          // The head is clean: it lies where actions do.
          expect(normalizedChunk.subarray(0, policy.info.actionDim).every((value) => Math.abs(value) <= 1)).toBe(true);
          expect(actions).toHaveLength(policy.info.actionDim);
        }
      } finally {
        await policy.dispose();
      }
    },
    COMPILES_MS,
  );
});
