import { describe, expect, it } from 'vitest';
import type { DenoiseSample } from '../../src/decision/denoiser.js';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import { posteriorMeanSchedule, resumeSchedule } from '../../src/diffusion/resume.js';
import { makeSchedule, type Schedule } from '../../src/diffusion/solver-step.js';
import { NonFiniteError, ObservationError, OptionError } from '../../src/foundation/errors.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import type { DenoiseResult } from '../../src/strategies/strategy.js';
import { useTestDevice } from '../support/device.js';
import { bits, loadGolden, noise, observation, tap, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';
import { at } from '../support/toy.js';

const CASE = 'state-bias-film';
const OPTIONS = solverOptions(CASE);

describe('denoise', () => {
  const device = useTestDevice();

  async function one(policy: Policy, sample: Omit<DenoiseSample, 'window'>): Promise<DenoiseResult> {
    return at(await policy.denoise([{ window: window(policy), ...sample }]), 0);
  }

  it.each([
    ['DDIM', ddimSchedule({ ...OPTIONS, steps: 4 }), []],
    ['DDPM', ddpmSchedule({ ...OPTIONS, steps: 4 }), [1, 2, 3]],
    ['DPM-Solver++', dpmSolverSchedule({ ...OPTIONS, clip: null, steps: 4 }), []],
  ] as const)('%s: a plan from the same sample, bit by bit, traced or not', async (name, schedule, salts) => {
    const policy = await loadGolden(device(), CASE, { strategy: { name, steps: 4 }, taps: ['sample'] });
    const stepNoise = salts.map((salt) => noise(policy, salt));
    const plan = await policy.decide(window(policy), { previous: [], noise: noise(policy), stepNoise });
    const request = { sample: noise(policy), schedule, stepNoise };
    const plain = await one(policy, request);
    const traced = await one(policy, { ...request, trace: true });
    expect(bits(plain)).toEqual(bits(plan));
    expect(bits(traced)).toEqual(bits(plan));
    expect(plain.trace).toEqual([]);
    expect(traced.trace).toEqual(schedule.steps.map((_, step) => tap(plan, `sample.${step}`)));
    expect(traced.trace.at(-1)).toEqual(traced.normalizedChunk);
    await policy.dispose();
  });

  it('one step of a schedule leads from the sample before it to the one after', async () => {
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'DDIM', steps: 4 }, taps: ['start', 'sample'] });
    const plan = await policy.decide(window(policy), { previous: [] });
    const { solver, steps } = ddimSchedule({ ...OPTIONS, steps: 4 });
    for (const [index, step] of steps.entries()) {
      const sample = tap(plan, index === 0 ? 'start' : `sample.${index - 1}`);
      const { normalizedChunk: chunk } = await one(policy, { sample, schedule: makeSchedule(solver, [step]) });
      expect(chunk).toEqual(tap(plan, `sample.${index}`));
    }
    await policy.dispose();
  });

  it('the posterior mean is x̂0: for a network that predicts it, its clamped output', async () => {
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'DDIM', steps: 4 }, taps: ['sample', 'model_output'] });
    expect(OPTIONS).toMatchObject({ predictionType: 'sample', clip: 1 });
    const plan = await policy.decide(window(policy), { previous: [] });
    const mean = await one(policy, { sample: tap(plan, 'sample.1'), schedule: posteriorMeanSchedule('DDIM', OPTIONS, 25) });
    expect(plan.timesteps[2]).toBe(25);
    expect(mean.normalizedChunk).toEqual(tap(plan, 'model_output.2').map((value) => Math.min(Math.max(value, -1), 1)));
    await policy.dispose();
  });

  it('runs many samples in one call: in their order, each with the bits that it gets alone', async () => {
    const policy = await loadGolden(device(), CASE);
    const full = ddimSchedule({ ...OPTIONS, steps: 4 });
    // The third one is the first one again, in another object: they share a batch.
    const schedules: Schedule[] = [
      full,
      resumeSchedule(full, 2),
      ddimSchedule({ ...OPTIONS, steps: 4 }),
      ddimSchedule({ ...OPTIONS, steps: 2 }),
    ];
    const requests = schedules.map(
      (schedule, i): DenoiseSample => ({ window: window(policy, i), sample: noise(policy, i), schedule, trace: i % 2 === 0 }),
    );
    const together = await policy.denoise(requests);
    for (const [i, request] of requests.entries()) {
      const alone = at(await policy.denoise([request]), 0);
      expect(bits(at(together, i))).toEqual(bits(alone));
      expect(together[i]?.trace).toEqual(alone.trace);
      expect(alone.trace).toHaveLength(i % 2 === 0 ? 4 : 0);
    }
    expect(await policy.denoise([])).toEqual([]);
    await policy.dispose();
  });

  it('is part of no episode, and reports no decision', async () => {
    const decisions: Decision[] = [];
    const policy = await loadGolden(device(), CASE, { onDecision: (decision) => decisions.push(decision) });
    const undisturbed = await loadGolden(device(), CASE);
    for (const tick of [0, 1]) {
      await one(policy, { sample: noise(policy), schedule: ddimSchedule({ ...OPTIONS, steps: 2 }) });
      expect(await policy.act(observation(policy, tick))).toEqual(await undisturbed.act(observation(policy, tick)));
    }
    expect(decisions).toHaveLength(1);
    await policy.dispose();
    await undisturbed.dispose();
  });

  it('reads its arrays when it is called: they may be filled again at once', async () => {
    const policy = await loadGolden(device(), CASE);
    const schedule = ddpmSchedule({ ...OPTIONS, steps: 2 });
    const request = () => ({ sample: noise(policy), schedule, stepNoise: [noise(policy, 1)] });
    const expected = await one(policy, request());
    const reused = request();
    const pending = one(policy, reused);
    for (const values of [reused.sample, ...reused.stepNoise]) values.fill(0);
    expect(bits(await pending)).toEqual(bits(expected));
    await policy.dispose();
  });

  it('refuses what does not fit, and goes on', async () => {
    const policy = await loadGolden(device(), CASE);
    const good = { sample: noise(policy), schedule: ddimSchedule({ ...OPTIONS, steps: 2 }) };
    const before = await one(policy, good);
    const refused = async (request: object, message: RegExp): Promise<void> => {
      const promise = one(policy, { ...good, ...request });
      await expect(promise).rejects.toThrow(OptionError);
      await expect(promise).rejects.toThrow(message);
    };
    await refused({ sample: good.sample.slice(1) }, /sample must have 24 values.*found 23/);
    await refused({ sample: good.sample.slice().fill(NaN, 5) }, /sample has NaN at index 5: finite numbers are needed/);
    await refused({ stepNoise: [noise(policy)] }, /stepNoise must have 0 rows.*found 1/);
    const noisy = ddpmSchedule({ ...OPTIONS, steps: 3 });
    await refused({ schedule: noisy }, /stepNoise must have 2 rows.*found 0/);
    await refused({ schedule: noisy, stepNoise: [noise(policy), [1]] }, /stepNoise\[1\] must have 24 values.*found 1/);
    await refused({ traced: true }, /denoise: unknown option "traced"/);
    // A timestep that has no row in the tables on the device would end the device.
    for (const timestep of [100, -1, 0.5, NaN]) {
      const schedule = makeSchedule(
        'DDIM',
        good.schedule.steps.map((step) => ({ ...step, timestep })),
      );
      await refused({ schedule }, new RegExp(`timestep must be an integer from 0 to 99, found ${timestep}`));
    }
    await refused({ schedule: makeSchedule('DDIM', []) }, /denoise: the schedule has no steps/);
    await expect(one(policy, { ...good, window: observation(policy) } as typeof good)).rejects.toThrow(ObservationError);
    await expect(one(policy, { ...good, sample: noise(policy).fill(3e38) })).rejects.toThrow(NonFiniteError);
    expect(bits(await one(policy, good))).toEqual(bits(before));
    await policy.dispose();
  });
});
