import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StopReason } from '../../src/control/events.js';
import { Simulation } from '../support/simulated.js';

const HANGS = { send: () => new Promise<void>(() => {}) };

describe('a clock that cannot be right stops the loop safely', () => {
  it.each([
    ['NaN', () => NaN],
    ['infinite', () => Infinity],
    ['no number', () => 'now' as unknown as number],
    ['so large that ticks are no different numbers', () => 1e300],
    ['an hour back', (ms: number) => ms - 3_600_000],
  ])('where its time is %s: no burst, nothing sent any more', async (_, wrong) => {
    const simulation = await Simulation.started(6);
    const now = simulation.clock.now.bind(simulation.clock);
    const sent = simulation.sent.length;
    expect(sent).toBeGreaterThan(0);
    Object.assign(simulation.clock, { now: () => wrong(now()) });
    await simulation.clock.advance(600);
    expect(simulation.sent).toHaveLength(sent);
    expect(simulation.reasons).toMatchObject([
      { kind: 'clock', message: expect.stringContaining("the clock's now() must be at least the") },
    ]);
    expect(simulation.loop.state).toBe('stopped');
  });

  it.each([
    ['timers come at their time', false],
    ['timers come at once', true],
  ])('that stands still while %s: no tick comes any more, and it is told after a second of timers', async (_, isFlood) => {
    const simulation = await Simulation.started(6);
    const { clock, loop } = simulation;
    const [stillMs, after] = [clock.now(), clock.after.bind(clock)];
    let timers = 0;
    Object.assign(clock, {
      now: () => stillMs,
      after: (delayMs: number, call: () => void) => {
        timers++;
        return after(isFlood ? 0 : delayMs, call);
      },
    });
    const advanced = clock.advance(1500);
    await advanced;
    expect(simulation.reasons).toMatchObject([{ kind: 'clock', message: expect.stringContaining("the clock's now() must go on, found") }]);
    expect(loop.state).toBe('stopped');
    expect(timers).toBeLessThanOrEqual(1100);
  });

  it('but one that goes on in steps of 100 ms, as browsers against fingerprinting have it, does not', async () => {
    const simulation = new Simulation({ tickMs: 5, late: 'hold' });
    const now = simulation.clock.now.bind(simulation.clock);
    Object.assign(simulation.clock, { now: () => Math.floor(now() / 100) * 100 });
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.clock.advance(3000);
    expect(simulation.loop.state).toBe('running');
  });

  it('from the beginning: not one action, and observe() stops it too', async () => {
    const simulation = new Simulation();
    Object.assign(simulation.clock, { now: () => NaN });
    simulation.loop.observe({ state: [0] });
    expect(simulation.reasons).toMatchObject([{ kind: 'clock', message: "the clock's now() must be finite milliseconds, found NaN" }]);
    const other = new Simulation();
    Object.assign(other.clock, { now: () => NaN });
    other.loop.start();
    expect(other.loop.state).toBe('stopped');
    await other.run(5);
    expect(other.loop.metrics.ticks).toBe(0);
  });

  it('but one that jumps ahead skips ticks, and what follows is late by the rule', async () => {
    const simulation = await Simulation.started(6, { late: 'repeat' });
    const { ticks } = simulation.loop.metrics;
    simulation.clock.block(3_600_000);
    await simulation.clock.advance(100);
    expect(simulation.loop.metrics).toMatchObject({ ticks: ticks + 6, skippedTicks: 180_000 - 1 });
    expect(simulation.loop.metrics.deadlineMisses).toBeGreaterThan(0);
    expect(simulation.loop.state).toBe('running');
  });
});

describe('a send that never ends', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([
    [{ late: 'stop' }, 1],
    [{ late: 'hold', maxMisses: 3 }, 4],
    [{ late: 'repeat', maxMisses: 3 }, 4],
    [{ late: 'repeat' }, 17],
    // Its own default has no limit: of a decision that is late, not of a robot that hangs.
    [{ late: 'hold' }, 17],
  ] as const)('stops a loop by %j after %i late ticks', async (rule, late) => {
    const simulation = new Simulation({ ...rule, ...HANGS });
    const misses = simulation.record('deadline-miss');
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(60, (tick) => simulation.loop.observe({ state: [tick] }));
    expect(simulation.reasons).toHaveLength(1);
    expect(simulation.reasons[0]).toMatchObject({ kind: 'deadline', message: expect.stringContaining('the send before has not ended') });
    expect(simulation.loop.metrics).toMatchObject({ sent: 1, busyTicks: late, deadlineMisses: late });
    expect(misses.at(-1)).toMatchObject({ cause: 'send', consecutive: late });
  });

  it('does not keep stop() from ending, which says so', async () => {
    const simulation = await Simulation.started(5, HANGS);
    vi.useFakeTimers();
    let stopped: StopReason | undefined;
    void simulation.loop.stop('operator').then((reason) => (stopped = reason));
    expect(simulation.reasons).toMatchObject([{ kind: 'requested', message: 'operator (an action is still being sent)' }]);
    await vi.advanceTimersByTimeAsync(1999);
    expect(stopped).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(stopped).toMatchObject({ kind: 'requested', message: expect.stringContaining('still being sent 2000 ms later') });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what never ends', () => {
  afterEach(() => void vi.useRealTimers());

  async function stoppedIn(simulation: Simulation, ms: number): Promise<StopReason | undefined> {
    vi.useFakeTimers();
    let stopped: StopReason | undefined;
    void simulation.loop.stop('operator').then((reason) => (stopped = reason));
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(stopped).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
    return stopped;
  }

  it('a decision: stop() ends all the same, and says so', async () => {
    const simulation = new Simulation();
    simulation.source.decide = () => new Promise(() => {});
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(3);
    expect(await stoppedIn(simulation, 10_000)).toMatchObject({ message: 'operator; a decision was still being made 10000 ms later' });
  });

  it('onStop: likewise, after as long as was asked for', async () => {
    const simulation = await Simulation.started(5, { onStop: () => new Promise(() => {}), stopTimeoutMs: 300 });
    expect(await stoppedIn(simulation, 300)).toMatchObject({
      message: 'operator; onStop, or a listener of "stop", had not ended 300 ms later',
    });
  });

  it('beside a listener that throws: what it threw is told', async () => {
    const simulation = await Simulation.started(5, { onStop: () => new Promise(() => {}), stopTimeoutMs: 5 });
    simulation.loop.on('stop', () => {
      throw new Error('no log');
    });
    await expect(simulation.loop.stop()).rejects.toThrow('no log');
  });

  it.each([-1, Number.NaN, 2 ** 31])('a time of %s is none', (stopTimeoutMs) => {
    expect(() => new Simulation({ stopTimeoutMs })).toThrow('stopTimeoutMs must be a number of milliseconds from 0 to 2147483647');
  });
});

describe('an observation that does not come', () => {
  it.each([
    [{ late: 'stop' }, 17],
    [{ late: 'stop', maxMisses: 3 }, 4],
  ] as const)('stops a loop by %j at tick %i', async (rule, ticks) => {
    const simulation = new Simulation(rule);
    simulation.loop.start();
    await simulation.run(40);
    expect(simulation.reasons).toMatchObject([
      { kind: 'deadline', message: expect.stringContaining(`no observation came for ${ticks} ticks`) },
    ]);
    expect(simulation.loop.metrics.ticks).toBe(ticks);
  });

  it('is waited for by the other rules, and a slow first decision by all', async () => {
    for (const late of ['hold', 'repeat'] as const) {
      const simulation = new Simulation({ late });
      simulation.loop.start();
      await simulation.run(40);
      expect(simulation.loop.state).toBe('running');
    }
    const slow = await Simulation.started(40, { late: 'stop', latencyMs: () => 60 * 20 });
    expect(slow.loop.metrics.waitingTicks).toBe(40);
    expect(slow.loop.state).toBe('running');
  });

  it('any more shows in the decisions made without one', async () => {
    const simulation = await Simulation.started(41, {});
    expect(simulation.loop.metrics.unchangedDecisions).toBeGreaterThanOrEqual(3);
    const fed = new Simulation();
    fed.loop.observe({ state: [0] });
    fed.loop.start();
    await fed.run(41, (tick) => fed.loop.observe({ state: [tick] }));
    expect(fed.loop.metrics.unchangedDecisions).toBe(0);
    expect(fed.source.windows.length).toBeGreaterThan(3);
  });
});
