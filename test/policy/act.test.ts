import { describe, expect, it } from 'vitest';
import { NonFiniteError, OptionError } from '../../src/foundation/errors.js';
import type { Decision } from '../../src/policy/policy.js';
import { useTestDevice } from '../support/device.js';
import { irregular, loadGolden, noise, observation, row, vectors, window } from '../support/golden-policy.js';
import { floats, readTensors, relativeError } from '../support/recorded-case.js';

describe('act', () => {
  const device = useTestDevice();

  it.each(['state-ddim2', 'state-bias-film', 'state-dialect-a', 'state-dialect-b'])(
    "%s: returns what LeRobot's select_action returned at every recorded tick",
    async (name) => {
      const tensors = readTensors(name);
      const decisions: Decision[] = [];
      const policy = await loadGolden(device(), name, { onDecision: (decision) => decisions.push(decision) });
      const { actionDim, actionSteps, horizon } = policy.info;
      const expected = floats(tensors, 'ticks.expected.action');
      const ticks = expected.length / actionDim;
      const found: number[] = [];
      for (let tick = 0; tick < ticks; tick++) {
        const frame = Object.fromEntries(
          vectors(policy).map(({ name: key, size }) => [key, row(tensors, `ticks.input.${key}`, tick, size)]),
        );
        const given = row(tensors, 'ticks.input.noise', Math.floor(tick / actionSteps), horizon * actionDim);
        found.push(...(await policy.act(frame, { noise: given })));
      }
      expect(relativeError(found, expected)).toBeLessThan(5e-5);
      expect(decisions).toHaveLength(Math.ceil(ticks / actionSteps));
      await policy.dispose();
    },
  );

  it('fills the window with the first observation, and moves it on by one frame per tick', async () => {
    const windows: Float32Array[] = [];
    const policy = await loadGolden(device(), 'state-bias-film', {
      probes: ['global_cond'],
      onDecision: ({ probes }) => windows.push(probes.get('global_cond') as Float32Array),
    });
    const { observationSteps, actionSteps } = policy.info;
    for (let tick = 0; tick <= actionSteps; tick++) await policy.act(observation(policy, tick));
    const frames = (salts: readonly number[]): Record<string, Float32Array> =>
      Object.fromEntries(
        vectors(policy).map(({ name, size }) => [name, Float32Array.from(salts.flatMap((salt) => [...irregular(size, salt)]))]),
      );
    const conditioning = async (salts: readonly number[]): Promise<Float32Array | undefined> =>
      (await policy.decide(frames(salts), { previous: [] })).probes.get('global_cond');
    const [first, second] = windows.slice();
    expect(observationSteps).toBe(3);
    expect(first).toEqual(await conditioning([0, 0, 0]));
    expect(second).toEqual(await conditioning([actionSteps - 2, actionSteps - 1, actionSteps]));
    await policy.dispose();
  });

  it('returns the rows from observationSteps − 1 on: earlier rows lie in the past', async () => {
    const decisions: Decision[] = [];
    const policy = await loadGolden(device(), 'state-bias-film', { onDecision: (decision) => decisions.push(decision) });
    const { actionSteps, actionDim, observationSteps } = policy.info;
    for (let tick = 0; tick < actionSteps; tick++) {
      const action = await policy.act(observation(policy, tick));
      const { chunk, actions } = decisions[0] as Decision;
      const at = (observationSteps - 1 + tick) * actionDim;
      expect(action).toEqual(chunk.slice(at, at + actionDim));
      expect(action).toEqual(actions.slice(tick * actionDim, (tick + 1) * actionDim));
    }
    expect(decisions).toHaveLength(1);
    await policy.dispose();
  });

  it('starts anew after reset: the queue of actions, the window and the history are empty', async () => {
    const decisions: Decision[] = [];
    const policy = await loadGolden(device(), 'step-forward-noise', {
      predictor: 'shift',
      onDecision: (decision) => decisions.push(decision),
    });
    const { actionSteps } = policy.info;
    const episode = async (): Promise<number[]> => {
      const actions: number[] = [];
      for (let tick = 0; tick < actionSteps + 3; tick++) {
        actions.push(...(await policy.act(observation(policy, tick), { noise: noise(policy, tick) })));
      }
      return actions;
    };
    const first = await episode();
    policy.reset();
    expect(await episode()).toEqual(first);
    expect(decisions.map(({ warm }) => warm)).toEqual([false, true, false, true]);
    await policy.dispose();
  });

  it('keeps its episode when a decision fails: the next one continues as if the failed one had not been', async () => {
    const policy = await loadGolden(device(), 'step-forward-noise', { predictor: 'shift' });
    const undisturbed = await loadGolden(device(), 'step-forward-noise', { predictor: 'shift' });
    const overflow = noise(policy).fill(3e38);
    const results: Decision[][] = [[], []];
    for (const tick of [0, 1, 2]) {
      results[0]?.push(await policy.decide(window(policy, tick)));
      results[1]?.push(await undisturbed.decide(window(policy, tick)));
      await expect(policy.decide(window(policy, 7), { noise: overflow })).rejects.toThrow(NonFiniteError);
      await expect(policy.decide(window(policy), { noise: [1] })).rejects.toThrow(OptionError);
    }
    // Seeded noise too: its key is the number of the decision.
    expect(results[0]?.map(({ normalizedChunk: chunk }) => chunk)).toEqual(results[1]?.map(({ normalizedChunk: chunk }) => chunk));
    await policy.dispose();
    await undisturbed.dispose();
  });

  it('a plan in the same episode takes the place of what act() still held', async () => {
    let decisions = 0;
    const policy = await loadGolden(device(), 'state-bias-film', { onDecision: () => decisions++ });
    await policy.act(observation(policy));
    await policy.act(observation(policy, 1));
    expect(decisions).toBe(1);
    await policy.decide(window(policy, 2));
    await policy.act(observation(policy, 3));
    expect(decisions).toBe(3);
    await policy.dispose();
  });

  it('refuses windows of several samples: decideAll() takes them one by one', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    await expect(policy.decide(window(policy, 0, 2))).rejects.toThrow(/decide: observation .* must have/);
    await expect(policy.act(observation(policy))).resolves.toHaveLength(policy.info.actionDim);
    await policy.dispose();
  });
});
