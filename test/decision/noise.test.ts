import { describe, expect, it } from 'vitest';
import { checkedNoise, choiceNoise, choiceNumbers, runNoise } from '../../src/decision/noise.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { OptionError } from '../../src/foundation/errors.js';
import { useTestDevice } from '../support/device.js';
import { bits, irregular, loadGolden, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';

const schedule = ddpmSchedule({ ...solverOptions('state-ddpm10'), steps: 3 });
const SEED = { seed: 7, episode: 0, decision: 0, sample: 0 };

describe('noise of a run', () => {
  it('is a function of seed, episode, decision, sample and step, and of nothing else', () => {
    const drawn = runNoise(schedule, 12, SEED, {});
    expect(runNoise(schedule, 12, SEED, {})).toEqual(drawn);
    expect(schedule.noisySteps).toBe(2);
    expect(drawn.stepNoise).toHaveLength(2);
    const others = [{ seed: 8 }, { episode: 1 }, { decision: 1 }, { sample: 1 }].map((change) =>
      runNoise(schedule, 12, { ...SEED, ...change }, {}),
    );
    const rows = [drawn, ...others].flatMap(({ noise, stepNoise }) => [noise, ...stepNoise]);
    expect(new Set(rows.map(String)).size).toBe(5 * 3);
  });

  it('takes given noise as it is, and draws what is not given', () => {
    const given = irregular(24);
    const rows = [irregular(24, 1), irregular(24, 2)];
    expect(runNoise(schedule, 24, SEED, checkedNoise({ noise: given, stepNoise: rows }, 24))).toEqual({ noise: given, stepNoise: rows });
    expect(runNoise(schedule, 24, SEED, checkedNoise({ noise: [...given] }, 24))).toEqual({
      noise: given,
      stepNoise: runNoise(schedule, 24, SEED, {}).stepNoise,
    });
  });

  it('takes rows of given step noise that are as long as the chunk of the network, whatever the policy has', () => {
    const rows = [irregular(32, 1), irregular(32, 2), irregular(24, 3)];
    const given = checkedNoise({ stepNoise: rows }, 24);
    expect(runNoise(schedule, 32, SEED, given, 0).stepNoise).toEqual(rows.slice(0, 2));
    const misfit = (): unknown => runNoise(schedule, 32, SEED, given, 1);
    expect(misfit).toThrow(OptionError);
    expect(misfit).toThrow(/stepNoise\[2\] must have 32 values \(horizon × action size.*found 24/);
  });

  it("a strategy's own numbers are others, and uniform ones lie inside (0, 1)", () => {
    const uniform = choiceNumbers(1000, SEED);
    expect(choiceNumbers(10, SEED)).toEqual(uniform.slice(0, 10));
    expect(uniform.every((value) => value > 0 && value < 1)).toBe(true);
    expect(uniform.reduce((sum, value) => sum + value, 0) / 1000).toBeCloseTo(0.5, 1);
    expect(choiceNoise(12, SEED)).not.toEqual(runNoise(schedule, 12, SEED, {}).noise);
  });

  it.each<[string, object, RegExp]>([
    ['too short', { noise: irregular(23) }, /noise must have 24 values \(horizon × action size\), found 23/],
    ['NaN', { noise: irregular(24).fill(NaN, 5, 6) }, /noise has NaN at index 5/],
    ['beyond f32', { noise: Array.from({ length: 24 }, () => 1e39) }, /noise has 1e\+39 at index 0/],
    ['a row too few', { stepNoise: [irregular(24)] }, /stepNoise must have 2 rows, one per noisy step of DDPM, found 1/],
    ['a row too short', { stepNoise: [irregular(24), irregular(3)] }, /stepNoise\[1\] must have 24 values/],
    ['NaN in a row', { stepNoise: [irregular(24), irregular(24).fill(NaN)] }, /stepNoise\[1\] has NaN at index 0/],
  ])('refuses given noise that is %s', (_, given, message) => {
    const use = (): unknown => runNoise(schedule, 24, SEED, checkedNoise(given, 24));
    expect(use).toThrow(OptionError);
    expect(use).toThrow(message);
  });
});

describe('noise of a policy', () => {
  const device = useTestDevice();

  it('is reproducible from the seed; another seed, decision or episode gives another', async () => {
    const run = async (seed: number): Promise<string[]> => {
      const policy = await loadGolden(device(), 'state-bias-film', { seed });
      const found: string[] = [];
      for (let decision = 0; decision < 2; decision++) found.push(String(bits(await policy.decide(window(policy)))));
      policy.reset();
      found.push(String(bits(await policy.decide(window(policy)))));
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
    const expected = bits(await policy.decide(window(policy), options));
    await policy.decide(window(policy));
    policy.reset();
    expect(bits(await policy.decide(window(policy), options))).toEqual(expected);
    expect(bits(await policy.decide(window(policy), { previous: [], seed: 4 }))).not.toEqual(expected);
    await policy.dispose();
  });

  it('of solver steps reaches its own step', async () => {
    const policy = await loadGolden(device(), 'state-ddpm10', { strategy: { name: 'DDPM', steps: 3 } });
    const size = policy.info.horizon * policy.info.actionDim;
    const rows = [irregular(size, 1), irregular(size, 2)];
    const run = async (stepNoise: readonly Float32Array[]): Promise<string> =>
      String(bits(await policy.decide(window(policy), { previous: [], noise: irregular(size), stepNoise })));
    const expected = await run(rows);
    expect(await run(rows)).toBe(expected);
    expect(await run([...rows].reverse())).not.toBe(expected);
    await expect(run([])).rejects.toThrow(/stepNoise must have 2 rows/);
    await policy.dispose();
  });
});
