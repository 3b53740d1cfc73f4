import { describe, expect, it } from 'vitest';
import { candidateTilings, fitsShape } from '../../src/tuning/candidates.js';
import { disagreement, holdContest } from '../../src/tuning/contest.js';
import { loadTunableNetwork, type RecordedConvolution } from '../../src/tuning/record-network.js';
import { chooseVariant } from '../../src/tuning/tune.js';
import { openTestDevice } from '../support/device.js';

describe('candidates', () => {
  it('stay within a workgroup and a shape', () => {
    for (const { lanes, slices } of candidateTilings('gpu'))
      expect(fitsShape({ lanes, slices }, { inChannels: 512, outChannels: 512 })).toBe(lanes * slices <= 256);
    expect(fitsShape({ lanes: 8, slices: 16 }, { inChannels: 10, outChannels: 512 })).toBe(false);
    expect(candidateTilings('lavapipe')).toContainEqual({ lanes: 16, slices: 1 });
  });
});

describe('the choice', () => {
  const candidate = { lanes: 16, slices: 8, spread: 0 };
  it('takes the fastest that wins by more than 3 %', () => {
    const { chosen, chosenMs } = chooseVariant('key', 2, { ms: 1, spread: 0.01 }, [
      { ...candidate, ms: 0.9 },
      { ...candidate, lanes: 32, ms: 0.8 },
    ]);
    expect([chosen, chosenMs]).toEqual([{ lanes: 32, slices: 8 }, 0.8]);
    expect(chooseVariant('key', 2, { ms: 1, spread: 0.01 }, [{ ...candidate, ms: 0.98 }])).toMatchObject({
      chosen: undefined,
      chosenMs: 1,
    });
  });

  it('leaves the shipped variant where the gain is within its noise, or a faster one was dropped', () => {
    expect(chooseVariant('key', 2, { ms: 1, spread: 0.15 }, [{ ...candidate, ms: 0.9 }]).chosen).toBeUndefined();
    expect(chooseVariant('key', 2, { ms: 1, spread: 0 }, [{ ...candidate, ms: undefined, dropped: 'wrong' }]).chosen).toBeUndefined();
  });
});

describe('correctness', () => {
  it('is agreement up to the order of sums', () => {
    const reference = [Float32Array.of(1, -8)];
    expect(disagreement(reference, [Float32Array.of(1.00005, -8)])).toBeUndefined();
    expect(disagreement(reference, [Float32Array.of(1.001, -8)])).toMatch(/computes 1\.00\d+ where the shipped variant has 1/);
    expect(disagreement(reference, [Float32Array.of(Number.NaN, -8)])).toContain('computes NaN');
    expect(disagreement([Float32Array.of(0, 0)], [Float32Array.of(0, 0)])).toContain('nothing that could be compared');
  });

  it('a candidate that computes something else is dropped, and one that is right is measured', async () => {
    // The third variant loses the sign of its first output column.
    const device = await openTestDevice({
      transformShader: ({ label, code }) =>
        label.includes(' 32x1 ') ? code.replace(/(finish\(row_group, k % 4u, first \+ k \/ 4u, batch, split, )acc0\.x/, '$1-acc0.x') : code,
    });
    const network = await loadTunableNetwork(device, { size: 'tiny', precision: 'f32', horizon: 16 });
    try {
      const key = 'conv1d 128x128 k5 s1 8->8 f32';
      const variant = (lanes: number): RecordedConvolution => {
        const variants = { version: 1, adapter: '', convolutions: { [key]: { lanes, slices: 1 } } } as const;
        const found = network.record({ deviceClass: 'software', halfLoads: 'packed', variants }).get(key);
        if (!found) throw new Error(`the network has no "${key}"`);
        return found;
      };
      const [shipped, right, wrong] = await holdContest(device, [variant(8), variant(16), variant(32)], 0.01);
      expect(shipped?.ms).toBeGreaterThan(0);
      expect(right).toMatchObject({ ms: expect.any(Number) as number });
      expect(right?.dropped).toBeUndefined();
      expect(wrong?.ms).toBeUndefined();
      expect(wrong?.dropped).toMatch(/^computes /);
    } finally {
      network.destroy();
      device.dispose();
    }
  });
});
