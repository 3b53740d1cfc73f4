import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import { policyIdentity } from '../../../src/training/loop/policy-identity.js';
import { circlingDataset, circlingPolicy, otherStatistics } from '../../support/tiny-training.js';

describe('what tells the policy of a predictor from another one', () => {
  it('is what is in it, not where it lies: statistics alone are enough', async () => {
    const dataset = circlingDataset();
    const [one, again, other] = await Promise.all(
      [dataset, dataset, otherStatistics(dataset)].map(async (data) =>
        policyIdentity(await loadPolicyCheckpoint({ ...circlingPolicy(data), name: String(Math.random()) })),
      ),
    );
    expect(one).toEqual({ policy: expect.stringMatching(/^[0-9a-f]{64}$/), actionSteps: 4 });
    expect(again).toEqual(one);
    expect(other?.policy).not.toBe(one?.policy);
  });
});
