import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { decisionNoise } from '../../src/policy/noise.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { solverOptions } from '../diffusion/recorded-case.js';
import { useTestDevice } from '../support/device.js';
import { bits, irregular, loadGolden, window } from './golden-policy.js';

const schedule = ddpmSchedule({ ...solverOptions('state-ddpm10'), steps: 3 });
const SEED = { seed: 7, episode: 0, decision: 0 };

describe('decisionNoise', () => {
  it('is a function of seed, episode, decision, sample and step, and of nothing else', () => {
    const { noise, stepNoise } = decisionNoise(schedule, 2, 12, SEED, {});
    expect(decisionNoise(schedule, 2, 12, SEED, {})).toEqual({ noise, stepNoise });
    expect(schedule.noisySteps).toBe(2);
    expect(stepNoise).toHaveLength(2);
    const rows = [
      noise.slice(0, 12), noise.slice(12), ...stepNoise.flatMap((row) => [row.slice(0, 12), row.slice(12)]),
      decisionNoise(schedule, 1, 12, { ...SEED, seed: 8 }, {}).noise,
      decisionNoise(schedule, 1, 12, { ...SEED, episode: 1 }, {}).noise,
      decisionNoise(schedule, 1, 12, { ...SEED, decision: 1 }, {}).noise,
    ];
    expect(new Set(rows.map(String)).size).toBe(rows.length);
    expect(decisionNoise(schedule, 1, 12, SEED, {}).noise).toEqual(noise.slice(0, 12));
  });

  it('takes given noise as it is, and draws what is not given', () => {
    const given = irregular(24);
    const rows = [irregular(24, 1), irregular(24, 2)];
    expect(decisionNoise(schedule, 2, 12, SEED, { noise: given, stepNoise: rows })).toEqual({ noise: given, stepNoise: rows });
    const drawn = decisionNoise(schedule, 2, 12, SEED, {});
    expect(decisionNoise(schedule, 2, 12, SEED, { noise: [...given] })).toEqual({ noise: given, stepNoise: drawn.stepNoise });
  });

  it.each<[string, object, RegExp]>([
    ['too short', { noise: irregular(23) }, /noise must have 24 values \(batch × horizon × action size\), got 23/],
    ['NaN', { noise: irregular(24).fill(NaN, 5, 6) }, /noise has NaN at index 5/],
    ['beyond f32', { noise: Array.from({ length: 24 }, () => 1e39) }, /noise has 1e\+39 at index 0/],
    ['a row too few', { stepNoise: [irregular(24)] }, /stepNoise must have 2 rows, one per noisy step of DDPM, got 1/],
    ['a row too short', { stepNoise: [irregular(24), irregular(3)] }, /stepNoise\[1\] must have 24 values/],
    ['NaN in a row', { stepNoise: [irregular(24), irregular(24).fill(NaN)] }, /stepNoise\[1\] has NaN at index 0/],
  ])('refuses given noise that is %s', (_, given, message) => {
    expect(() => decisionNoise(schedule, 2, 12, SEED, given)).toThrow(OptionError);
    expect(() => decisionNoise(schedule, 2, 12, SEED, given)).toThrow(message);
  });
});

describe('noise of a policy', () => {
  const device = useTestDevice();

  it('is reproducible from the seed; another seed, decision or episode gives another', async () => {
    const run = async (seed: number): Promise<string[]> => {
      const policy = await loadGolden(device(), 'state-bias-film', { seed });
      const found: string[] = [];
      for (let decision = 0; decision < 2; decision++) found.push(String(bits(await policy.plan(window(policy)))));
      policy.reset();
      found.push(String(bits(await policy.plan(window(policy)))));
      await policy.dispose();
      return found;
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(new Set([...first, ...(await run(2))]).size).toBe(6);
  });

  it('with a seed for one call: the same bits in any episode', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const options = { previous: [], seed: 3 };
    const expected = bits(await policy.plan(window(policy), options));
    await policy.plan(window(policy));
    policy.reset();
    expect(bits(await policy.plan(window(policy), options))).toEqual(expected);
    expect(bits(await policy.plan(window(policy), { previous: [], seed: 4 }))).not.toEqual(expected);
    await policy.dispose();
  });

  it('of solver steps reaches its own step', async () => {
    const policy = await loadGolden(device(), 'state-ddpm10', { strategy: { name: 'DDPM', steps: 3 } });
    const size = policy.info.horizon * policy.info.actionDim;
    const rows = [irregular(size, 1), irregular(size, 2)];
    const run = async (stepNoise: readonly Float32Array[]): Promise<string> =>
      String(bits(await policy.plan(window(policy), { previous: [], noise: irregular(size), stepNoise })));
    const expected = await run(rows);
    expect(await run(rows)).toBe(expected);
    expect(await run([...rows].reverse())).not.toBe(expected);
    await expect(run([])).rejects.toThrow(/stepNoise must have 2 rows/);
    await policy.dispose();
  });
});
