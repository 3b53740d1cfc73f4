import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Observation } from '../../src/observations/frame.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { useTestDevice } from '../support/device.js';
import { bits } from '../support/golden-policy.js';
import { imageObservation, imagePolicy } from '../support/image-policy.js';
import { prepare } from '../support/prepare.js';

describe('prepare', () => {
  const device = useTestDevice();
  afterEach(() => void vi.restoreAllMocks());

  it('changes no bit of decisions through cameras, whether their pictures were encoded ahead or are encoded by the decision', async () => {
    const found: number[][] = [];
    const load = (): Promise<Policy> =>
      loadPolicy(imagePolicy(), { device: device(), onDecision: (decision) => void found.push([...bits(decision)]) });
    const plain = await load();
    const prepared = await load();
    const decide = async (policy: Policy, isObserved: boolean): Promise<readonly number[][]> => {
      found.length = 0;
      for (let tick = 0; found.length < 2; tick++) {
        const given: Observation = isObserved ? await policy.observe(imageObservation(tick)) : imageObservation(tick);
        if (policy === prepared) await prepare(policy);
        await policy.act(given);
      }
      policy.reset();
      return [...found];
    };
    for (const isObserved of [false, true]) {
      expect(await decide(prepared, isObserved), `observed: ${isObserved}`).toEqual(await decide(plain, isObserved));
    }
    await plain.dispose();
    await prepared.dispose();
  });
});
