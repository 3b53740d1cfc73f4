import { describe, expect, it } from 'vitest';
import { MetricsRecorder, RecentValues } from '../../src/control/metrics.js';
import { TickSchedule } from '../../src/control/tick-schedule.js';
import { Simulation } from '../support/simulated.js';

describe('TickSchedule', () => {
  it('counts from the start, so that lateness does not add up', () => {
    const schedule = new TickSchedule(1000, 20);
    expect(schedule.take(1000)).toEqual({ index: 0, latenessMs: 0, skipped: 0 });
    expect(schedule.wait(1000)).toBe(20);
    expect(schedule.take(1027)).toEqual({ index: 1, latenessMs: 7, skipped: 0 });
    expect(schedule.wait(1027)).toBe(13);
  });

  it('skips ticks whose successor is due as well', () => {
    const schedule = new TickSchedule(0, 20);
    schedule.take(0);
    expect(schedule.take(65)).toEqual({ index: 3, latenessMs: 5, skipped: 2 });
    expect(schedule.wait(65)).toBe(15);
  });

  it('runs no tick early: a timer that fires too soon waits again', () => {
    const schedule = new TickSchedule(0, 20);
    schedule.take(0);
    expect(schedule.take(19.9)).toBeUndefined();
    expect(schedule.take(20)?.index).toBe(1);
  });

  it('counts right where periods are no round numbers', () => {
    const schedule = new TickSchedule(0.1, 100 / 3);
    let nowMs = 0.1;
    for (let index = 0; index < 1000; index++) {
      expect(schedule.take(nowMs)).toMatchObject({ index, skipped: 0 });
      nowMs += schedule.wait(nowMs);
      // What is left of a sum of rounded numbers is waited for as well.
      while (schedule.wait(nowMs) > 0) nowMs += 1e-9;
    }
  });
});

describe('a thread that is blocked', () => {
  it('skips ticks and their rows; none is sent in a burst', async () => {
    const simulation = new Simulation();
    const ticks = simulation.record('tick');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(5);
    // Tick 5 is due in a millisecond; ticks 5 and 6 pass, tick 7 is 4 ms late.
    simulation.clock.block(45);
    await simulation.run(9);
    expect(simulation.actions(4, 9)).toEqual([2, undefined, undefined, 5, 6, 7]);
    expect(ticks.find(({ tick }) => tick === 7)).toMatchObject({ latenessMs: 4, skipped: 2 });
    expect(simulation.loop.metrics).toMatchObject({ ticks: 12, skippedTicks: 2, deadlineMisses: 0 });
  });

  it('begins the window anew: frames further apart than a tick would look like a faster robot', async () => {
    const simulation = new Simulation();
    simulation.loop.start();
    await simulation.run(10, (tick) => simulation.loop.observe({ state: [tick] }));
    // Tick 11 is when the next plan is due, and tick 10 was missed.
    simulation.clock.block(25);
    simulation.loop.observe({ state: [11] });
    await simulation.run(3);
    expect([...(simulation.source.windows[1]?.['state'] as Float32Array)]).toEqual([11, 11]);
  });
});

describe('an action that is still being sent', () => {
  it('makes the next ticks busy: there is one send at a time', async () => {
    let sending = 0;
    let most = 0;
    const rows: (number | undefined)[] = [];
    const simulation: Simulation = new Simulation({
      send: async (_, { row }) => {
        rows.push(row);
        most = Math.max(most, ++sending);
        await new Promise<void>((resolve) => void simulation.clock.after(50, resolve));
        sending--;
      },
    });
    const ticks = simulation.record('tick');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(12);
    expect(rows).toEqual([1, 4, 7]);
    expect(most).toBe(1);
    expect(simulation.loop.metrics).toMatchObject({ sent: 3, busyTicks: 6, deadlineMisses: 6 });
    expect(ticks.slice(3, 7).map(({ source, sent }) => [source, sent])).toEqual([
      ['decided', true],
      ['decided', false],
      ['decided', false],
      ['decided', true],
    ]);
  });
});

describe('metrics', () => {
  it('are percentiles that were measured', () => {
    const values = new RecentValues();
    expect(values.distribution()).toBeUndefined();
    for (let i = 100; i >= 1; i--) values.add(i);
    expect(values.distribution()).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  });

  it('forget what is long ago', () => {
    const values = new RecentValues();
    values.add(1e9);
    for (let i = 0; i < 1024; i++) values.add(2);
    expect(values.distribution()).toEqual({ count: 1024, p50: 2, p95: 2, p99: 2, max: 2 });
  });

  it('of a loop that does nothing are zeros', () => {
    const metrics = new MetricsRecorder().snapshot(0);
    expect(Object.values(metrics).filter((value) => value !== undefined && value !== 0)).toEqual([]);
    expect(Object.keys(metrics)).toContain('decisionLatencyMs');
  });

  it('measure jitter, latency, depth of the queue, and the age of actions', async () => {
    const simulation = new Simulation({ latencyMs: (plan) => (plan === 0 ? 50 : 90) });
    const ticks = simulation.record('tick');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(5, (tick) => tick === 4 && simulation.clock.block(8));
    await simulation.run(13, (tick) => simulation.loop.observe({ state: [tick] }));
    const { decisionLatencyMs, tickJitterMs, actionAgeMs, rowsLeft } = simulation.loop.metrics;
    expect(decisionLatencyMs).toEqual({ count: 2, p50: 50, p95: 90, p99: 90, max: 90 });
    expect(tickJitterMs).toMatchObject({ count: 18, p50: 0, max: 7 });
    // Tick 3 sends what was decided at 0 ms; tick 15 still does; from tick 16 on it is the plan of tick 11, whose
    // observation came a millisecond before.
    expect(simulation.sent.map(({ ageMs }) => ageMs)).toEqual([60, 87, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 101, 121]);
    expect(actionAgeMs).toMatchObject({ count: 15, p50: 160, max: 300 });
    // Of 15 rows from the observation on, 7 ticks after it 8 are left.
    expect(ticks.at(-1)?.rowsLeft).toBe(8);
    expect(rowsLeft).toBe(8);
  });

  it('give the age of a repeated action as it grows', async () => {
    const simulation = await Simulation.started(20, { late: 'repeat', latencyMs: (plan) => (plan === 0 ? 50 : 1e6) });
    expect(simulation.sent.slice(-3).map(({ source, ageMs }) => [source, ageMs])).toEqual([
      ['decided', 340],
      ['repeat', 360],
      ['repeat', 380],
    ]);
  });
});
