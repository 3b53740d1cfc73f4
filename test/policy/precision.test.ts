import { describe, expect, it } from 'vitest';
import { HalfRangeError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { choosePrecision, loadInPrecision, type PrecisionFacts } from '../../src/policy/precision.js';
import type { Precision } from '../../src/spec/precision.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { openTestDevice, useTestDevice } from '../support/device.js';
import { bits, loadGolden, noise, window } from '../support/golden-policy.js';
import { randomPolicy } from '../support/random-checkpoint.js';

describe('choosePrecision', () => {
  const right: PrecisionFacts = { deviceClass: 'gpu', exactHalves: true, fitsHalves: true };

  it('takes what is asked for by name', () => {
    for (const choice of ['f32', 'f16', 'int8'] as const) {
      expect(choosePrecision(choice, { deviceClass: 'software', exactHalves: false, fitsHalves: false })).toBe(choice);
    }
  });

  it('auto takes f16 on a GPU, and f32 where f16 is not exact or too small', () => {
    expect(choosePrecision('auto', right)).toBe('f16');
    expect(choosePrecision('auto', { ...right, exactHalves: false })).toBe('f32');
    expect(choosePrecision('auto', { ...right, fitsHalves: false })).toBe('f32');
  });

  it('auto never takes int8', () => {
    for (const deviceClass of ['gpu', 'software'] as const) expect(choosePrecision('auto', { ...right, deviceClass })).not.toBe('int8');
  });
});

describe('loadPolicy', () => {
  const device = useTestDevice();

  it('with auto gives the policy of the precision that it says it took', async () => {
    const chosen = await loadGolden(device(), 'state-bias-film', { precision: 'auto' });
    const { precision, warnings } = chosen.info;
    expect(precision).toBe(choosePrecision('auto', { deviceClass: device().deviceClass, exactHalves: true, fitsHalves: true }));
    const named = await loadGolden(device(), 'state-bias-film', { precision });
    expect(warnings).toEqual(named.info.warnings);
    const options = { previous: [], noise: noise(named) };
    expect(bits(await chosen.decide(window(chosen), options))).toEqual(bits(await named.decide(window(named), options)));
    for (const policy of [chosen, named]) await policy.dispose();
  });

  it('with int8 takes less memory than with f16 and gives other actions, but the same ones every time', async () => {
    const policies = await Promise.all(
      (['int8', 'int8', 'f16'] as const).map((precision) => loadGolden(device(), 'state-ddim2', { precision })),
    );
    const [int8, again, f16] = policies as [(typeof policies)[0], (typeof policies)[0], (typeof policies)[0]];
    expect(int8.info.precision).toBe('int8');
    expect(int8.info.deviceBytes).toBeLessThan(f16.info.deviceBytes);
    const plan = async (policy: typeof int8) => bits(await policy.decide(window(policy), { previous: [], noise: noise(policy) }));
    const found = await plan(int8);
    expect(await plan(again)).toEqual(found);
    expect(await plan(f16)).not.toEqual(found);
    for (const policy of policies) await policy.dispose();
  });
});

describe('f16', () => {
  const device = useTestDevice();

  /** Of the chunks of two policies that differ in precision alone, as a share of the largest value. */
  async function largestError(load: (precision: Precision) => Promise<Policy>): Promise<number> {
    const chunks: Float32Array[] = [];
    for (const precision of ['f32', 'f16'] as const) {
      const policy = await load(precision);
      chunks.push((await policy.decide(window(policy), { previous: [], noise: noise(policy) })).normalizedChunk.slice());
      await policy.dispose();
    }
    const [full, half] = chunks as [Float32Array, Float32Array];
    const most = (values: Float32Array): number => values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    return most(full.map((value, i) => value - (half[i] as number))) / most(full);
  }

  it('changes nothing where the file holds halves', async () => {
    expect(await largestError((precision) => loadGolden(device(), 'state-dialect-a', { precision }))).toBe(0);
  });

  // The bound of recorded cases is none of f16 itself: README.md says what holds.
  it('moves a network of random weights by more than the recorded cases, and stays within what the README says', async () => {
    const unet = { horizon: 16, actionDim: 2, downDims: [16, 32], kernelSize: 3, groups: 4, stepEmbedDim: 32, scaleModulation: true };
    const { source } = randomPolicy({ ...unet, conditioningDim: 8 }, 4, { seed: 11 });
    const error = await largestError((precision) => loadPolicy(source, { device: device(), precision }));
    expect(error).toBeGreaterThan(1e-3);
    expect(error).toBeLessThan(1.2e-2);
  });
});

describe('where f16 is not right', () => {
  const gpu = { deviceClass: 'gpu', exactHalves: true } as const;
  const tooLarge = async (precision: Precision): Promise<Precision> => {
    if (precision === 'f16') throw new HalfRangeError('tensor "w" holds 65520.');
    return precision;
  };

  it('weights beyond its range are loaded again as f32, with a warning', async () => {
    expect(await loadInPrecision('auto', gpu, tooLarge)).toEqual({
      networks: 'f32',
      precision: 'f32',
      warnings: ['precision \'auto\' loaded twice and took f32: tensor "w" holds 65520.'],
    });
  });

  it('a device whose halves are not exact gets f32 at once, with another warning', async () => {
    expect(await loadInPrecision('auto', { ...gpu, exactHalves: false }, tooLarge)).toEqual({
      networks: 'f32',
      precision: 'f32',
      warnings: [expect.stringMatching(/this device does not turn f16 into f32 exactly/)],
    });
    expect((await loadInPrecision('int8', { ...gpu, exactHalves: false }, tooLarge)).warnings).toEqual([]);
  });

  it('they are refused where f16 was asked for by name; other errors are never hidden', async () => {
    await expect(loadInPrecision('f16', gpu, tooLarge)).rejects.toThrow(HalfRangeError);
    const broken = async (): Promise<never> => Promise.reject(new RangeError('broken'));
    await expect(loadInPrecision('auto', gpu, broken)).rejects.toThrow(RangeError);
  });

  it('they end as f32 on every device', async () => {
    const device = await openTestDevice();
    const huge = await new ChangedCheckpoint('state-bias-film').tensors((tensors) =>
      tensors.map((tensor) =>
        tensor.name.includes('final_conv.1.bias')
          ? { ...tensor, dtype: 'F32', data: new Float32Array(tensor.shape[0]!).fill(1e6) }
          : tensor,
      ),
    );
    const policy = await loadPolicy(huge.source, { device, precision: 'auto' });
    expect(policy.info.precision).toBe('f32');
    await policy.dispose();
    device.dispose();
  });
});
