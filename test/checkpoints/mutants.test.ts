import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { policyDifferences } from '../support/checkpoint-oracle.js';
import { runMutants, SUBJECTS } from '../support/mutant-runs.js';
import { processorPolicy } from '../support/small-checkpoints.js';

/** A sample of what mutants.long.test.ts does. */
describe('mutants of', () => {
  it.each(Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[])('%s give an error of ours or a right result', async (name) => {
    const { valid, refused } = await runMutants(name, 0, 100);
    expect(valid).toBeGreaterThan(3);
    expect(refused).toBeGreaterThan(40);
  });
});

describe('a wrong result', () => {
  it('would be seen by these tests', async () => {
    const files = processorPolicy();
    const right = await loadPolicyCheckpoint(memorySource('policy', files));
    expect(await policyDifferences(files, right)).toEqual([]);
    const [state, environment] = right.observations as [PolicyCheckpoint['observations'][number], PolicyCheckpoint['observations'][number]];
    const { weights } = right;
    const wrong: readonly [Partial<PolicyCheckpoint>, RegExp][] = [
      [{ actionSteps: 5 }, /^action steps is 5, not 4$/],
      [{ unet: { ...right.unet, kernelSize: 5 } }, /^unet is /],
      [{ scheduler: { ...right.scheduler, betaEnd: 0.5 } }, /^betaEnd is 0\.5, not 0\.02$/],
      [{ dialect: 'B' }, /^dialect is "B", not "C"$/],
      [{ observations: [{ ...state, rawName: 'other' }, environment] }, /"other" arrives as "other", not as "observation\.state"/],
      [
        { observations: [{ ...state, normalizer: { ...state.normalizer, add: Float32Array.of(-1, 1) } }, environment] },
        /^observation\.state 1: -1\.5 becomes/,
      ],
      [{ action: { ...right.action, shift: right.action.shift.map((value) => value + 1) } }, /^action 0: -1\.5 becomes/],
      [
        { weights: { ...named(weights), readFloats: async (name) => (await weights.readFloats(name)).map((value) => -value) } },
        /^values of /,
      ],
    ];
    for (const [change, message] of wrong) expect((await policyDifferences(files, { ...right, ...change }))[0]).toMatch(message);
  });
});

function named(weights: PolicyCheckpoint['weights']): PolicyCheckpoint['weights'] {
  return {
    shape: (name) => weights.shape(name),
    dtype: (name) => weights.dtype(name),
    names: () => weights.names(),
    locate: (name) => weights.locate(name),
    readFloats: (name) => weights.readFloats(name),
  };
}
