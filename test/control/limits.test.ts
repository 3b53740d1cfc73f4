import { describe, expect, it } from 'vitest';
import { type ActionLimits, Limiter } from '../../src/control/limits.js';
import { OptionError } from '../../src/foundation/errors.js';
import { Simulation } from '../support/simulated.js';

function limited(limits: ActionLimits, wanted: readonly number[], last?: readonly number[]): number[] {
  return [...new Limiter(limits, wanted.length).apply(wanted, last).action];
}

describe('limits of an action', () => {
  it('are per dimension, or one for all', () => {
    expect(limited({ low: [-1, -2], high: [1, 2] }, [-3, 3])).toEqual([-1, 2]);
    expect(limited({ low: -1, high: 1 }, [-3, 3])).toEqual([-1, 1]);
    expect(limited({ high: [1, Infinity] }, [5, 5])).toEqual([1, 5]);
    expect(limited({}, [5, -5])).toEqual([5, -5]);
  });

  it('clamp to the limit itself, not to the f32 next to it', () => {
    expect(limited({ high: 0.1 }, [0.2])[0]).toBe(0.1);
  });

  it('bound the change from the last action, in both directions', () => {
    expect(limited({ maxChange: [0.5, 0.25] }, [3, -3], [1, 1])).toEqual([1.5, 0.75]);
    expect(limited({ maxChange: 0.5 }, [1.5, 0.5], [1, 1])).toEqual([1.5, 0.5]);
  });

  it('leave the first change free where nothing was sent before', () => {
    expect(limited({ maxChange: 0.5 }, [3, -3])).toEqual([3, -3]);
  });

  it('bring a robot that stands outside of them back no faster than maxChange', () => {
    expect(limited({ high: 1, maxChange: 0.5 }, [4], [3])).toEqual([2.5]);
  });

  it('tell what was outside, and of which limit', () => {
    const limiter = new Limiter({ low: [0, 0, 0, 0], high: [9, 9, 9, 9], maxChange: [99, 99, 1, 99] }, 4);
    expect(limiter.apply([-1, 10, 5, 5], [0, 0, 0, 0]).hits).toEqual([
      { dimension: 0, limit: 'low', wanted: -1, allowed: 0 },
      { dimension: 1, limit: 'high', wanted: 10, allowed: 9 },
      { dimension: 2, limit: 'maxChange', wanted: 5, allowed: 1 },
    ]);
  });

  it.each<[string, ActionLimits, RegExp]>([
    ['crossed', { low: 1, high: [2, 0] }, /low must be at most high, found 1 and 0 in dimension 1/],
    ['of another size', { low: [1] }, /low must be a number or 2 numbers/],
    ['not numbers', { high: NaN }, /high must be a number or 2 numbers.*NaN/],
    ['that forbid any change', { maxChange: [1, 0] }, /maxChange must be positive, found 0 in dimension 1/],
    ['with a typing mistake', { max: 1 } as ActionLimits, /unknown option "max"/],
  ])('are refused when they are %s', (_, limits, message) => {
    expect(() => new Limiter(limits, 2)).toThrow(OptionError);
    expect(() => new Limiter(limits, 2)).toThrow(message);
  });
});

describe('in a loop', () => {
  it('limited actions are sent, counted and told of', async () => {
    const simulation = new Simulation({ limits: { low: -4, high: 4 } });
    const events = simulation.record('limit');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(9);
    expect(simulation.actions(3, 8)).toEqual([1, 2, 3, 4, 4, 4]);
    expect(simulation.loop.metrics).toMatchObject({ limitedActions: 2, limitedValues: 4 });
    expect(events[0]).toEqual({
      tick: 7,
      hits: [
        { dimension: 0, limit: 'high', wanted: 5, allowed: 4 },
        { dimension: 1, limit: 'low', wanted: -5, allowed: -4 },
      ],
    });
  });

  it('the change is counted from what was sent, not from what was wanted', async () => {
    const simulation = await Simulation.started(20, { limits: { maxChange: 20 } });
    // From plan 0 to plan 1 the actions jump by 93.
    expect(simulation.actions(12, 19)).toEqual([10, 11, 31, 51, 71, 91, 108, 109]);
  });

  it('of the action that the robot stands at, where start() was told of it', async () => {
    const simulation = new Simulation({ limits: { maxChange: [0.5, 100] } });
    simulation.loop.observe({ state: [0] });
    simulation.loop.start({ lastAction: [10, 0] });
    await simulation.run(5);
    expect(simulation.actions(3, 4)).toEqual([9.5, 9]);
  });

  it('mode stop: the action is not sent, and the loop stops', async () => {
    const simulation = await Simulation.started(20, { limits: { high: 4, mode: 'stop' } });
    expect(simulation.actions(6, 9)).toEqual([4, undefined, undefined, undefined]);
    expect(simulation.reasons).toMatchObject([{ kind: 'limit', message: 'the action of tick 7 is 5 in dimension 0: high allows 4' }]);
  });

  it('hold actions are limited like any other', async () => {
    const simulation = await Simulation.started(22, {
      late: 'hold',
      holdAction: [0, 0],
      limits: { maxChange: 6 },
      latencyMs: (plan) => (plan === 0 ? 50 : 1e6),
    });
    expect(simulation.actions(17, 21)).toEqual([15, 9, 3, 0, 0]);
  });
});
