import { describe, expect, it } from 'vitest';
import { SimulatedClock, Simulation } from '../support/simulated.js';

const NOTHING = undefined;

describe('a control loop', () => {
  it('begins with the row of the observation when the first chunk is there: the robot has not moved meanwhile', async () => {
    const simulation = await Simulation.started(6);
    expect(simulation.actions(0, 5)).toEqual([NOTHING, NOTHING, NOTHING, 1, 2, 3]);
    expect(simulation.sent[0]).toEqual({ tick: 3, row: 1, source: 'decided', ageMs: 60, action: [1, -1] });
    expect(simulation.loop.metrics).toMatchObject({ ticks: 6, waitingTicks: 3, sent: 3, deadlineMisses: 0 });
  });

  it('plans the next chunk while it executes the current one, and takes it at the row of the tick', async () => {
    const simulation = await Simulation.started(25);
    // Plan 1 is made of the observation of tick 11, eight after the first action, and comes before tick 14: three rows
    // after the observation's. Its rows 1 to 3 are over.
    expect(simulation.actions(3, 24)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 104, 105, 106, 107, 108, 109, 110, 111, 204, 205, 206]);
    expect(simulation.loop.metrics).toMatchObject({ deadlineMisses: 0, decisions: 3 });
  });

  it('plans at most once at a time, and every actionSteps ticks where the source keeps up', async () => {
    const simulation = new Simulation();
    const plans = simulation.record('decision');
    let most = 0;
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(60, () => (most = Math.max(most, simulation.source.running)));
    expect(plans.map(({ tick }) => tick)).toEqual([0, 11, 19, 27, 35, 43, 51]);
    expect(plans.every(({ latencyMs, expired }) => latencyMs === 50 && !expired)).toBe(true);
    expect(most).toBe(1);
  });

  it('does not begin another plan while one is running, however long it takes', async () => {
    const simulation = new Simulation({ latencyMs: () => 1e6, late: 'hold' });
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(100);
    expect(simulation.source.windows).toHaveLength(1);
  });

  it('sends the same actions for the same ticks when chunks come a little earlier or later, but for the ticks between', async () => {
    const early = await Simulation.started(30, { latencyMs: (plan) => (plan === 0 ? 50 : 10) });
    const late = await Simulation.started(30, { latencyMs: (plan) => (plan === 0 ? 50 : 110) });
    // Plan 1 belongs to tick 11; the early one is used from tick 12 on, the late one from tick 17 on.
    expect(early.actions(12, 18)).toEqual([102, 103, 104, 105, 106, 107, 108]);
    expect(late.actions(12, 18)).toEqual([10, 11, 12, 13, 14, 107, 108]);
  });

  it('takes decisions further apart or closer together on request, and a stricter deadline', async () => {
    const simulation = await Simulation.started(13, { actionSteps: 4, lead: 2, latencyMs: (plan) => (plan === 1 ? 70 : 50) });
    // Plan 1 is of tick 7 and comes before tick 11; of plan 0, rows for 4 + 2 ticks are used.
    expect(simulation.actions(3, 12)).toEqual([1, 2, 3, 4, 5, 6, 6, 6, 105, 106]);
    expect(simulation.loop.metrics.deadlineMisses).toBe(2);
  });

  it('plans from half of the rows where the policy executes all of them: none would be left for deciding ahead', async () => {
    const simulation = new Simulation({ info: { actionSteps: 15 } });
    const plans = simulation.record('decision');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(26);
    expect(plans.map(({ tick }) => tick)).toEqual([0, 11, 19]);
  });

  it('waits for the first observation without a miss', async () => {
    const simulation = new Simulation({ late: 'stop' });
    simulation.loop.start();
    await simulation.run(10);
    expect(simulation.source.windows).toHaveLength(0);
    simulation.loop.observe({ state: [3] });
    await simulation.run(5);
    expect(simulation.actions(10, 14)).toEqual([NOTHING, NOTHING, NOTHING, 1, 2]);
    expect(simulation.loop.metrics).toMatchObject({ deadlineMisses: 0, waitingTicks: 13 });
    expect(simulation.loop.state).toBe('running');
  });
});

describe('the window of a plan', () => {
  it('holds the observations that were current at its ticks, and the first one twice at the start', async () => {
    const simulation = new Simulation();
    simulation.loop.start();
    // Three observations per tick: the last of each is current at the tick that follows.
    await simulation.run(12, (tick) => [0.1, 0.2, 0.3].forEach((part) => simulation.loop.observe({ state: [tick + part] })));
    const states = simulation.source.windows.map((window) => Array.from(window['state'] as Float32Array, (v) => Number(v.toFixed(1))));
    expect(states).toEqual([
      [0.3, 0.3],
      [10.3, 11.3],
    ]);
  });

  it('repeats a frame where no new observation came', async () => {
    const simulation = new Simulation();
    simulation.loop.start();
    await simulation.run(12, (tick) => tick === 5 && simulation.loop.observe({ state: [5] }));
    expect(simulation.source.windows.map((window) => [...(window['state'] as Float32Array)])).toEqual([[5, 5]]);
    await simulation.run(8, (tick) => tick === 12 && simulation.loop.observe({ state: [12] }));
    expect([...(simulation.source.windows[1]?.['state'] as Float32Array)]).toEqual([12, 12]);
  });

  it('takes a copy: the array may be filled again at once', async () => {
    const simulation = new Simulation();
    const state = Float32Array.of(7);
    simulation.loop.observe({ state });
    state.fill(9);
    simulation.loop.start();
    await simulation.run(1);
    expect([...(simulation.source.windows[0]?.['state'] as Float32Array)]).toEqual([7, 7]);
  });

  it("takes the policy's own names as well", async () => {
    const simulation = new Simulation();
    simulation.loop.observe({ 'observation.state': [4] });
    simulation.loop.start();
    await simulation.run(1);
    expect([...(simulation.source.windows[0]?.['state'] as Float32Array)]).toEqual([4, 4]);
  });

  it.each([
    ['NaN', { state: [NaN] }, /"state" has NaN at index 0/],
    ['what overflows f32', { state: [1e39] }, /finite f32/],
    ['a wrong length', { state: [1, 2] }, /must have 1 values, found 2/],
    ['a missing feature', {}, /"state" must be an array of 1 numbers per frame, found nothing/],
    ['an unknown feature', { state: [1], stat: [1] }, /"stat" is not known to this policy. It reads: state/],
  ])('refuses %s, counts it, and never plans with it', async (_, wrong, message) => {
    const simulation = new Simulation();
    simulation.loop.observe({ state: [1] });
    expect(() => simulation.loop.observe(wrong)).toThrow(message);
    simulation.loop.start();
    await simulation.run(1);
    expect([...(simulation.source.windows[0]?.['state'] as Float32Array)]).toEqual([1, 1]);
    expect(simulation.loop.metrics.refusedObservations).toBe(1);
  });
});

describe('the simulated clock', () => {
  it('calls in the order of time, and nothing while it is blocked', async () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    clock.after(20, () => void log.push(`b ${clock.now()}`));
    clock.after(10, () => void log.push(`a ${clock.now()}`));
    clock.after(15, () => void log.push('cancelled'))();
    clock.block(15);
    expect(log).toEqual([]);
    await clock.advance(5);
    expect(log).toEqual(['a 1015', 'b 1020']);
  });
});
