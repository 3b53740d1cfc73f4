import { describe, expect, it } from 'vitest';
import { Simulation, type SimulationOptions } from '../support/simulated.js';

const NOTHING = undefined;

/** Plan 1 is made of the observation of tick 11 and comes before tick 24; the rows of plan 0 end with tick 17. */
const LATE = { latencyMs: (plan: number) => (plan === 1 ? 250 : 50) };

describe('a late plan', () => {
  it('repeat: the last action is sent again; rows that are over when the chunk comes are dropped', async () => {
    const simulation = await Simulation.started(29, { ...LATE, late: 'repeat' });
    expect(simulation.actions(16, 28)).toEqual([14, 15, 15, 15, 15, 15, 15, 15, 114, 115, 115, 204, 205]);
    const { sent, loop } = simulation;
    expect(sent.find(({ tick }) => tick === 18)).toMatchObject({ source: 'repeat', row: undefined });
    expect(loop.metrics).toMatchObject({ deadlineMisses: 7, waitingTicks: 3, sent: 26 });
  });

  it('hold: nothing is sent, and the chunk goes on with the row that was missing', async () => {
    const simulation = await Simulation.started(27, { ...LATE, late: 'hold' });
    expect(simulation.actions(16, 26)).toEqual([14, 15, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, 108, 109, 110]);
    expect(simulation.loop.metrics).toMatchObject({ deadlineMisses: 6, sent: 18 });
  });

  it('hold with an action: it is sent in place of the missing ones, and is no action of a plan', async () => {
    const simulation = await Simulation.started(26, { ...LATE, late: 'hold', holdAction: [0.5, 0] });
    expect(simulation.actions(17, 24)).toEqual([15, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 108]);
    expect(simulation.sent.find(({ tick }) => tick === 18)).toEqual({
      tick: 18,
      source: 'hold',
      row: undefined,
      ageMs: undefined,
      action: [0.5, 0],
    });
  });

  it('stop: nothing is sent any more', async () => {
    const simulation = await Simulation.started(30, { ...LATE, late: 'stop' });
    expect(simulation.actions(17, 29)).toEqual([15, ...new Array<undefined>(12)]);
    expect(simulation.reasons).toMatchObject([
      { kind: 'deadline', message: 'no action for tick 18, 1 in a row: the decision was not there' },
    ]);
    expect(simulation.loop.metrics).toMatchObject({ ticks: 19, deadlineMisses: 1 });
  });

  it('is told of as an event, tick by tick', async () => {
    const simulation = new Simulation({ ...LATE, late: 'hold' });
    const misses = simulation.record('deadline-miss');
    const ticks = simulation.record('tick');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(25);
    expect(misses.map(({ tick, consecutive, cause }) => [tick, consecutive, cause])).toEqual(
      [18, 19, 20, 21, 22, 23].map((tick, i) => [tick, i + 1, 'decision']),
    );
    expect(ticks.map(({ source }) => source)).toEqual([
      ...new Array(3).fill('waiting'),
      ...new Array(15).fill('decided'),
      ...new Array(6).fill('hold'),
      'decided',
    ]);
  });

  it('whose rows are all over when it comes counts as expired, and another is decided at once', async () => {
    const simulation = new Simulation({ latencyMs: (plan) => (plan === 1 ? 350 : 50), late: 'repeat' });
    const plans = simulation.record('decision');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(35);
    // Plan 1 of tick 11 comes before tick 29, which is more than its 15 rows later.
    expect(plans.map(({ tick, expired }) => [tick, expired])).toEqual([
      [0, false],
      [11, true],
      [29, false],
    ]);
    expect(simulation.actions(28, 33)).toEqual([15, 15, 15, 15, 204, 205]);
    expect(simulation.loop.metrics.expiredChunks).toBe(1);
  });

  it('does not stop a source that is always slower than its horizon from moving a held robot, if slowly', async () => {
    const simulation = await Simulation.started(120, { latencyMs: () => 590, late: 'hold' });
    expect(simulation.loop.metrics.expiredChunks).toBe(0);
    expect(simulation.sent.filter(({ source }) => source === 'decided').map(({ action }) => action[0])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 108, 109, 110, 111, 112, 113, 114, 115, 208, 209, 210, 211, 212, 213, 214, 215,
    ]);
  });

  it.each<[string, SimulationOptions, number]>([
    ['the horizon by default where an action is repeated', { late: 'repeat' }, 16],
    ['a number of ticks', { late: 'hold', maxMisses: 5 }, 5],
  ])('in a row are too many after %s', async (_, options, most) => {
    const simulation = await Simulation.started(60, { ...options, latencyMs: (plan) => (plan === 0 ? 50 : 1e6) });
    expect(simulation.reasons).toMatchObject([{ kind: 'deadline' }]);
    expect(simulation.loop.metrics.deadlineMisses).toBe(most + 1);
  });

  it('may be late again and again, as long as not too often in a row', async () => {
    // Every plan comes before the 13th tick after its observation, eleven later than its deadline.
    const simulation = await Simulation.started(60, { late: 'hold', lead: 2, maxMisses: 11, latencyMs: () => 250 });
    expect(simulation.loop.state).toBe('running');
    expect(simulation.loop.metrics.deadlineMisses).toBe(22);
  });
});

describe('old observations', () => {
  /** Observes in each tick but those from 6 to 30, and allows 50 ms. */
  async function withGap(late: 'hold' | 'stop'): Promise<Simulation> {
    const simulation = new Simulation({ late, maxObservationAgeMs: 50 });
    simulation.loop.start();
    await simulation.run(40, (tick) => (tick < 6 || tick > 30) && simulation.loop.observe({ state: [tick] }));
    return simulation;
  }

  it('are not decided from; the current rows run out, then the tick is late by the rule', async () => {
    const simulation = await withGap('hold');
    expect(simulation.source.windows.map((window) => [...(window['state'] as Float32Array)])).toEqual([
      [0, 0],
      [5, 31],
    ]);
    expect(simulation.actions(17, 36)).toEqual([15, ...new Array<undefined>(16), 101, 102, 103]);
    // Tick 8 sees an observation of 61 ms.
    expect(simulation.loop.metrics.staleTicks).toBe(31 - 8);
  });

  it('say in the event and in the reason that it was not the source', async () => {
    const simulation = await withGap('stop');
    expect(simulation.reasons).toMatchObject([
      { kind: 'deadline', message: 'no action for tick 18, 1 in a row: the observations were too old to decide from' },
    ]);
  });
});
