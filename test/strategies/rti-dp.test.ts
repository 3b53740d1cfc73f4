import { describe, expect, it } from 'vitest';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { OptionError } from '../../src/foundation/errors.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { createStrategy } from '../../src/strategies/index.js';
import { RTI_DP_TIMESTEPS } from '../../src/strategies/rti-dp.js';
import type { RtiDpStrategyOptions } from '../../src/strategies/strategy-options.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { useTestDevice } from '../support/device.js';
import { bits, irregular, loadGolden, noise, observation, probe, vectors, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';
import { at } from '../support/toy.js';
import { TOY_CONTEXT, ToyEpisode } from '../support/toy-episode.js';

function rtiDp(options: Omit<RtiDpStrategyOptions, 'name'> = {}) {
  return createStrategy({ name: 'RTI-DP', ...options }, TOY_CONTEXT);
}

describe('RTI-DP on the toy distribution, without noise', () => {
  it.each([
    [0.5, [2, 1, 0], 0.4852807288],
    [-0.2, 'push-t', -0.1615763908],
    [0.5, 'square-clip', 0.3797125728],
  ])('takes a chunk of %d through %j to the recorded value', (value, timesteps, expected) => {
    const episode = new ToyEpisode(rtiDp({ timesteps }));
    episode.push([value, value, value, value]);
    expect(episode.decide().chunk).toEqual(new Array(4).fill(expect.closeTo(expected, 6)));
  });

  it('moves the chunk on by one row, the last one repeated, and takes it for a noisy one', () => {
    const episode = new ToyEpisode(rtiDp());
    episode.push([0.9, 0.5, -0.2, 0.5]);
    const { chunk, warm, rounds } = episode.decide({ noise: [9, 9, 9, 9] });
    expect(chunk).toEqual([0.4852807288, -0.1615763908, 0.4852807288, 0.4852807288].map((value) => expect.closeTo(value, 6)));
    expect([warm, rounds.length, rounds[0]?.length]).toEqual([true, 1, 1]);
  });

  it('begins with DDPM over all training timesteps', () => {
    const { chunk, warm } = new ToyEpisode(rtiDp()).decide({ noise: [1, -0.5, 2, 0] });
    expect(chunk.slice(0, 3)).toEqual([0.300019709309, 0.299990140974, 0.300039421532].map((value) => expect.closeTo(value, 5)));
    expect(warm).toBe(false);
  });
});

describe('the timesteps of RTI-DP', () => {
  it('are those of Push-T unless given, or of a published list', () => {
    expect(rtiDp().description).toBe('RTI-DP 3 (timesteps 2 1 0, one action per decision)');
    for (const [name, list] of Object.entries(RTI_DP_TIMESTEPS)) {
      expect(rtiDp({ timesteps: name }).usual.steps.map(({ timestep }) => timestep)).toEqual(list);
    }
    expect(RTI_DP_TIMESTEPS['transport-clip']).toEqual([29, 26, 23, 20, 18, 16, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('may have gaps: every step leads to t − 1 all the same', () => {
    const { steps } = rtiDp({ timesteps: [40, 5, 0] }).usual;
    const full = ddpmSchedule({ ...solverOptions('state-ddim2'), steps: 100 });
    expect(steps).toEqual([59, 94, 99].map((index) => full.steps[index]));
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown name', 'pusht', /timesteps must be one of push-t, lift-clip.*found pusht/],
    ['an ascending list', [0, 1, 2], /descending list that ends at 0.*found \[0,1,2\]/],
    ['a list that does not end at 0', [3, 2, 1], /ends at 0.*found \[3,2,1\]/],
    ['a list that goes up', [3, 4, 0], /strictly descending integers from 0 to 99, found \[3, 4, 0\]/],
    ['a timestep twice', [2, 2, 0], /strictly descending/],
    ['a timestep beyond the training', [100, 0], /from 0 to 99/],
    ['an empty list', [], /ends at 0/],
    ['a list of texts', ['1', 0], /strictly descending integers from 0 to 99, found/],
    ['a number', 3, /descending list.*found 3/],
  ])('refuse %s', (_, timesteps, message) => {
    const create = (): unknown => rtiDp({ timesteps } as RtiDpStrategyOptions);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});

describe('a gripper', () => {
  it('has a list of dimensions', () => {
    const gripper = { dimensions: '1' } as unknown as { dimensions: number[] };
    expect(() => createStrategy({ name: 'RTI-DP', gripper }, TOY_CONTEXT)).toThrow(
      /dimensions must be a list of action dimensions, found "1"/,
    );
  });

  it('is sent ±1 and remembered as ±1/factor, by its sign; other dimensions are left alone', () => {
    const context = { ...TOY_CONTEXT, horizon: 2, actionDim: 2 };
    const gripper = { dimensions: [1], factor: 10 };
    const episode = new ToyEpisode(createStrategy({ name: 'RTI-DP', gripper }, context));
    episode.push([0, 0, 0.5, -0.2]);
    const { chunk, result } = episode.decide();
    expect(chunk).toEqual([0.4852807, -0.1, 0.4852807, -0.1].map((value) => expect.closeTo(value, 5)));
    expect([...result.chunk]).toEqual([0.4852807, -1, 0.4852807, -1].map((value) => expect.closeTo(value, 5)));
  });

  it.each([
    ['decided', { factor: 2 }, -0.5],
    ['unchanged', {}, 0],
  ] as const)('closes at exactly 0, and is remembered %s', (remember, factor, kept) => {
    const context = { ...TOY_CONTEXT, horizon: 2, actionDim: 2 };
    const strategy = createStrategy({ name: 'RTI-DP', gripper: { dimensions: [1], remember, ...factor } }, context);
    const unused = {
      newest: undefined,
      before: undefined,
      frames: new Float32Array(),
      uniform: () => new Float64Array(),
      normal: () => new Float32Array(),
    };
    const deciding = strategy.begin().decide(unused);
    deciding.next();
    const { value } = deciding.next([
      { normalizedChunk: Float32Array.of(0.5, 0, -0.5, 0), chunk: Float32Array.of(5, 0, -5, 0), trace: [] },
    ]);
    expect(value).toMatchObject({
      result: { normalizedChunk: Float32Array.of(0.5, kept, -0.5, kept), chunk: Float32Array.of(5, -1, -5, -1) },
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['a dimension that actions do not have', { dimensions: [1] }, /gripper: dimensions must be an integer from 0 to 0, found 1/],
    ['a factor of what is unchanged', { dimensions: [0], factor: 1, remember: 'unchanged' }, /gripper: factor divides what is remembered/],
    ['a dimension twice', { dimensions: [0, 0] }, /gripper: dimensions must ascend, each once, found 0 behind 0/],
    ['a hole for a dimension', { dimensions: new Array(1) }, /gripper: dimensions must be an integer from 0 to 0, found undefined/],
    ['a factor below 1', { dimensions: [0], factor: 0.5 }, /gripper: factor must be a finite number of at least 1, found 0.5/],
    ['an unknown option', { dimensions: [0], factr: 10 }, /gripper: unknown option "factr"/],
    [
      'an unknown way to remember',
      { dimensions: [0], remember: 'kept' },
      /gripper: remember must be one of decided, unchanged, found kept/,
    ],
    ['no dimensions', {}, /gripper: dimensions must be a list of action dimensions, found undefined/],
    ['one dimension that is no list', { dimensions: 0 }, /gripper: dimensions must be a list of action dimensions, found 0/],
  ])('with %s is refused', (_, gripper, message) => {
    const create = (): unknown => rtiDp({ gripper } as RtiDpStrategyOptions);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});

describe('RTI-DP on a device', () => {
  const device = useTestDevice();
  const CASE = 'state-ddim2';

  /** A chunk moved on by one row, on the host. */
  function shifted(policy: Policy, chunk: Float32Array): Float32Array {
    const { actionDim } = policy.info;
    return Float32Array.from([...chunk.slice(actionDim), ...chunk.slice(-actionDim)]);
  }

  it('first decision: DDPM with all training timesteps, bit by bit', async () => {
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'DDPM', steps: 100 } });
    const full = await policy.decide(window(policy), { previous: [] });
    policy.useStrategy({ name: 'RTI-DP' });
    const first = await policy.decide(window(policy), { previous: [] });
    expect(bits(first)).toEqual(bits(full));
    expect([first.warm, first.evaluations, first.timesteps.length]).toEqual([false, 100, 100]);
    expect(first.actions).toHaveLength(policy.info.actionDim);
    await policy.dispose();
  });

  it('later ones start exactly from the shifted chunk, visit the list, and execute one action', async () => {
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'RTI-DP', timesteps: [5, 3, 1, 0] }, probes: ['start'] });
    const { actionDim, observationSteps } = policy.info;
    let before = await policy.decide(window(policy));
    for (const tick of [1, 2, 3]) {
      const result = await policy.decide(window(policy, tick));
      expect(probe(result, 'start')).toEqual(shifted(policy, before.normalizedChunk));
      expect([result.warm, result.evaluations, result.timesteps]).toEqual([true, 4, [5, 3, 1, 0]]);
      const at = (observationSteps - 1) * actionDim;
      expect(result.actions).toEqual(result.chunk.slice(at, at + actionDim));
      before = result;
    }
    expect(policy.info.actionSteps).toBe(1);
    await policy.dispose();
  });

  it('refines as a host computation of DDPM steps to t − 1, with the noise of every step above 0', async () => {
    const timesteps = [40, 10, 0];
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'RTI-DP', timesteps }, probes: ['start', 'model_output'] });
    const past = { normalizedChunk: noise(policy, 3), chunk: noise(policy, 3) };
    const stepNoise = [noise(policy, 4), noise(policy, 5)];
    const result = await policy.decide(window(policy), { previous: [past], stepNoise });
    const { steps } = ddpmSchedule({ ...solverOptions(CASE), steps: 3, timesteps, predecessor: 'adjacent' });
    let sample = probe(result, 'start');
    steps.forEach((step, index) => {
      const output = probe(result, `model_output.${index}`);
      const zero = new Float32Array(sample.length);
      const drawn = stepNoise[index] ?? zero;
      sample = sample.map((x, i) => applySolverStep(step, x, at(output, i), 0, at(drawn, i)).x);
    });
    result.normalizedChunk.forEach((value, i) => expect(value).toBeCloseTo(at(sample, i), 5));
    await policy.dispose();
  });

  it('act() makes a decision at every tick', async () => {
    const decisions: Decision[] = [];
    const onDecision = (decision: Decision): number => decisions.push(decision);
    const policy = await loadGolden(device(), CASE, { strategy: { name: 'RTI-DP' }, onDecision });
    const twin = await loadGolden(device(), CASE, { strategy: { name: 'RTI-DP' } });
    for (const tick of [0, 1, 2, 3]) {
      const action = await policy.act(observation(policy, tick));
      expect(decisions).toHaveLength(tick + 1);
      expect(action).toEqual(at(decisions, tick).actions);
      // The window that act() keeps: the last tick's observation and this one's, at first this one's twice.
      const frames = Object.fromEntries(
        vectors(policy).map(({ name, size }) => [
          name,
          Float32Array.from([...irregular(size, Math.max(0, tick - 1)), ...irregular(size, tick)]),
        ]),
      );
      expect(bits(await twin.decide(frames))).toEqual(bits(at(decisions, tick)));
    }
    expect(decisions.map(({ warm }) => warm)).toEqual([false, true, true, true]);
    await policy.dispose();
    await twin.dispose();
  });

  it('a gripper is remembered as it was decided: the next start has it, and the action that is sent is ±1', async () => {
    const strategy = { name: 'RTI-DP', gripper: { dimensions: [1], factor: 10 } } as const;
    const policy = await loadGolden(device(), CASE, { strategy, probes: ['start', 'sample'] });
    let before = await policy.decide(window(policy));
    for (const tick of [1, 2]) {
      const result = await policy.decide(window(policy, tick));
      expect(probe(result, 'start')).toEqual(shifted(policy, before.normalizedChunk));
      const undecided = probe(result, 'sample.2');
      result.normalizedChunk.forEach((value, i) => {
        const expected = i % 2 === 1 ? Math.fround(Math.sign(at(undecided, i)) / 10) : at(undecided, i);
        expect(value).toBe(expected);
        if (i % 2 === 1) expect(Math.abs(at(result.chunk, i))).toBe(1);
      });
      before = result;
    }
    await policy.dispose();
  });
});
