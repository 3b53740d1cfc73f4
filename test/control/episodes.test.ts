import { describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/control/control-loop.js';
import type { ControlLoopOptions } from '../../src/control/options.js';
import { OptionError } from '../../src/foundation/errors.js';
import { SimulatedClock, SimulatedSource, Simulation } from '../support/simulated.js';

const NOTHING = undefined;

describe('a new episode', () => {
  it('begins with start(), and reset() begins another: the source is told of both', async () => {
    const simulation = await Simulation.started(5);
    expect(simulation.source.resets).toBe(1);
    simulation.loop.reset();
    expect(simulation.source.resets).toBe(2);
  });

  it('sends nothing until it was given an observation and decided from it', async () => {
    const simulation = await Simulation.started(8);
    simulation.loop.reset();
    await simulation.run(10);
    expect(simulation.actions(7, 17)).toEqual([5, ...new Array<undefined>(10)]);
    simulation.loop.observe({ state: [30] });
    await simulation.run(5);
    expect(simulation.actions(18, 22)).toEqual([NOTHING, NOTHING, NOTHING, 101, 102]);
    expect([...(simulation.source.windows[1]?.['state'] as Float32Array)]).toEqual([30, 30]);
    expect(simulation.loop.metrics.deadlineMisses).toBe(0);
  });

  it('drops the chunk of a plan that was running, and waits for it before it plans', async () => {
    const simulation = await Simulation.started(2, { latencyMs: () => 90 });
    simulation.loop.reset();
    simulation.loop.observe({ state: [1] });
    // Plan 0 ends before tick 5, which begins plan 1; that is there in tick 10.
    await simulation.run(10);
    expect(simulation.actions(2, 11)).toEqual([...new Array<undefined>(8), 101, 102]);
    expect(simulation.source.windows).toHaveLength(2);
    expect(simulation.loop.metrics.decisions).toBe(1);
  });

  it.each([
    ['is free to begin anywhere', {}, [201, 202]],
    ['begins at the action that the robot stands at, where it was told of it', { lastAction: [150, -150] }, [151, 152]],
  ])('does not compare its first action with the last one of the episode before: it %s', async (_, start, expected) => {
    const simulation = await Simulation.started(18, { limits: { maxChange: 1 } });
    simulation.loop.reset(start);
    simulation.loop.observe({ state: [0] });
    await simulation.run(5);
    expect(simulation.actions(21, 22)).toEqual(expected);
  });

  it('does not begin where the robot cannot be', async () => {
    const simulation = await Simulation.started(5);
    expect(() => simulation.loop.reset({ lastAction: [5] })).toThrow(/lastAction must have 2 finite values.*found \[5\]/);
    await simulation.run(1);
    expect(simulation.actions(4, 5)).toEqual([2, 3]);
  });

  it('may begin within a tick: an action of the episode before is not sent any more', async () => {
    const simulation = new Simulation({ limits: { high: 4 } });
    simulation.loop.on('limit', () => simulation.loop.reset());
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(20);
    expect(simulation.sent.map(({ action }) => action[0])).toEqual([1, 2, 3, 4]);
    expect(simulation.loop.state).toBe('running');
  });
});

describe('options of a loop', () => {
  const clock = new SimulatedClock();
  const good: ControlLoopOptions = { tickMs: 20, late: 'hold', send: () => {}, onStop: () => {}, clock };
  const make = (options: object, info = {}): ControlLoop => new ControlLoop(new SimulatedSource(clock, info), { ...good, ...options });

  it.each<[string, object, RegExp]>([
    ['an unknown rule', { late: 'wait' }, /late must be one of hold, repeat, stop, found wait/],
    ['a period of 0', { tickMs: 0 }, /tickMs must be a positive number of milliseconds, found 0/],
    ['no function', { send: 'serial' }, /send must be a function, found string/],
    ['no handler of stops', { onStop: undefined }, /onStop must be a function, found undefined/],
    ['a hold action of another size', { holdAction: [1] }, /holdAction must have 2 finite values.*found \[1\]/],
    ['a hold action that is not finite', { holdAction: [1, NaN] }, /holdAction must have 2 finite values/],
    ['a lead beyond the horizon', { lead: 8 }, /lead must be an integer from 1 to 7, found 8/],
    ['no lead at all', { lead: 0 }, /lead must be an integer from 1 to 7, found 0/],
    ['decisions further apart than the horizon', { actionSteps: 15 }, /actionSteps must be an integer from 1 to 14, found 15/],
    ['a negative age', { maxObservationAgeMs: -1 }, /maxObservationAgeMs must be a positive number/],
    ['fewer misses than none', { maxMisses: -1 }, /maxMisses must be a number of ticks of at least 0/],
    ['a typing mistake', { tickMS: 20 }, /unknown option "tickMS"/],
  ])('are refused: %s', (_, options, message) => {
    expect(() => make(options)).toThrow(OptionError);
    expect(() => make(options)).toThrow(message);
  });

  it('leave room to plan ahead, or there is no loop', () => {
    expect(() => make({}, { horizon: 2, actionSteps: 1 })).toThrow(/deciding ahead needs a horizon of at least 3, the policy has 2/);
    expect(make({}, { horizon: 3, actionSteps: 1 }).state).toBe('idle');
  });
});
