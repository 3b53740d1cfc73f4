import { getHeapStatistics } from 'node:v8';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Clock, SYSTEM_CLOCK } from '../../src/control/clock.js';
import { ControlLoop } from '../../src/control/control-loop.js';
import { OptionError } from '../../src/foundation/errors.js';
import { INFO, Simulation, type SimulationOptions } from '../support/simulated.js';

interface Preparing {
  readonly simulation: Simulation;
  /** Calls of `prepare`. */
  readonly calls: () => number;
  /** Lateness of every tick. */
  readonly late: () => readonly number[];
}

/** A loop whose source prepares in `tookMs`, with parts of its clock exchanged. */
function preparing(tookMs: number, options: SimulationOptions = {}, clock: (real: Clock) => Partial<Clock> = () => ({})): Preparing {
  const simulation = new Simulation(options);
  let calls = 0;
  const prepare = (): void => {
    calls++;
    simulation.clock.block(tookMs);
  };
  Object.assign(simulation.source, { prepare });
  const real = { now: simulation.clock.now.bind(simulation.clock), after: simulation.clock.after.bind(simulation.clock) };
  Object.assign(simulation.clock, clock(real));
  const ticks = simulation.record('tick');
  simulation.loop.observe({ state: [0] });
  simulation.loop.start();
  return { simulation, calls: () => calls, late: () => ticks.map(({ latenessMs }) => latenessMs) };
}

describe('preparing', () => {
  it('makes a handful of ticks late where it takes longer than there is time, and not one in eight', async () => {
    const { simulation, calls, late } = preparing(5);
    await simulation.run(800);
    const decisions = simulation.source.windows.length;
    expect(decisions).toBeGreaterThan(90);
    expect(calls()).toBeGreaterThan(1);
    expect(calls()).toBeLessThan(8);
    // Where it was not tried, a tick is as it is without preparing.
    expect(late().filter((ms) => ms > 0)).toEqual(Array.from({ length: calls() }, () => 2));
  });

  it('is done at every decision where it takes as long as there is time', async () => {
    const { simulation, calls, late } = preparing(2);
    await simulation.run(160);
    expect(calls()).toBe(simulation.source.windows.length - 1);
    expect(late().every((ms) => ms === 0)).toBe(true);
  });

  it('is left out where its own timer is late, and the tick does not wait for another one', async () => {
    for (const lateMs of [2.5, 4]) {
      const after = (real: Clock) => (ms: number, call: () => void) => real.after(ms === 17 ? ms + lateMs : ms, call);
      const { simulation, calls, late } = preparing(2, {}, (real) => ({ after: after(real) }));
      await simulation.run(80);
      expect(simulation.source.windows.length).toBeGreaterThan(8);
      expect(calls(), `${lateMs} ms late`).toBe(0);
      expect(late().every((ms) => ms === 0)).toBe(true);
    }
  });

  it('is done too for a decision that is due when the one before ends in the middle of a tick', async () => {
    const { simulation, calls } = preparing(0, { latencyMs: () => 8 * 20 + 10 });
    await simulation.run(100);
    expect(simulation.source.windows.length).toBeGreaterThan(8);
    expect(calls()).toBeGreaterThan(8);
  });

  it('asks the clock for exactness around it and nowhere else, begins as late as it can, and a tick is made once', async () => {
    const asked: number[] = [];
    let cancelled = 0;
    const soon = (real: Clock) => (ms: number, call: () => void) => {
      asked.push(ms);
      const cancel = real.after(ms, call);
      return () => {
        cancelled++;
        cancel();
      };
    };
    const { simulation, calls, late } = preparing(1, {}, (real) => ({ soon: soon(real) }));
    const plain = await Simulation.started(160);
    await simulation.run(160);
    expect(calls()).toBeGreaterThan(15);
    // Until it is known how long it takes, as early as it may be; then so that a fifth of a millisecond is left behind it.
    const unknown = 7;
    const rounded = asked.map((ms) => Math.round(10 * ms) / 10);
    expect(rounded.slice(0, unknown)).toEqual(Array.from({ length: unknown }, () => 2));
    expect(rounded.slice(unknown)).toEqual(Array.from({ length: calls() - unknown }, () => [1.8, 0.2]).flat());
    expect(late()).toEqual(Array.from({ length: 160 }, () => 0));
    expect(simulation.sent).toEqual(plain.sent);
    await simulation.loop.stop();
    expect(cancelled).toBe(calls());
  });

  it('goes on where it takes next to nothing, or nothing', async () => {
    for (const tookMs of [0, 0.01, 0.3, 0.79, 0.8]) {
      const { simulation, calls, late } = preparing(tookMs, {}, (real) => ({ soon: real.after }));
      await simulation.run(50 * 8);
      expect(calls(), `${tookMs} ms`).toBe(simulation.source.windows.length - 1);
      expect(late().every((ms) => ms < 1e-9)).toBe(true);
    }
  });

  it('begins earlier where its end, of which a promise tells, came later, and one interruption changes nothing', async () => {
    const begunMs: number[] = [];
    let waitMs = 0.5;
    const soon = (real: Clock) => real.after;
    const { simulation } = preparing(0.5, {}, (real) => ({ soon: soon(real) }));
    const { prepare } = simulation.source as unknown as { readonly prepare: () => void };
    Object.assign(simulation.source, {
      prepare: () => {
        begunMs.push((simulation.clock.now() - 1000) % 20);
        prepare();
        return new Promise<void>((resolve) => void simulation.clock.after(waitMs, resolve));
      },
    });
    await simulation.run(12 * 8 + 1);
    expect(begunMs.length).toBeGreaterThan(8);
    expect(begunMs.at(-1)).toBeCloseTo(20 - 1.2, 6);
    waitMs = 1.5;
    await simulation.run(8);
    waitMs = 0.5;
    await simulation.run(8);
    expect(begunMs.at(-1)).toBeCloseTo(20 - 1.2, 6);
    waitMs = 1.5;
    await simulation.run(8 * 8);
    expect(begunMs.at(-1)).toBeCloseTo(20 - 2.2, 6);
  });

  it('is asked of the source as the loop was told, or not at all', async () => {
    for (const [prepare, asked] of [
      [undefined, [{ on: 'device' }]],
      ['device', [{ on: 'device' }]],
      ['host', [{ on: 'host' }]],
      ['off', []],
    ] as const) {
      const simulation = new Simulation(prepare === undefined ? {} : { prepare });
      const found: unknown[] = [];
      Object.assign(simulation.source, { prepare: (...options: unknown[]) => void found.push(...options) });
      simulation.loop.observe({ state: [0] });
      simulation.loop.start();
      await simulation.run(12);
      expect(found).toEqual(asked);
    }
    expect(() => new Simulation({ prepare: 'always' as never })).toThrow(OptionError);
  });

  it('takes a clock whose soon is a function, or none', () => {
    const source = { info: INFO, decide: () => Promise.reject(new Error('unused')), reset: () => {} };
    const options = { tickMs: 20, late: 'repeat', send: () => {}, onStop: () => {} } as const;
    expect(() => new ControlLoop(source, { ...options, clock: { ...SYSTEM_CLOCK, soon: 3 } as never })).toThrow(OptionError);
  });
});

/** The runtime's clock with what is stubbed now. */
async function loadedAnew(): Promise<Clock> {
  vi.resetModules();
  return (await import('../../src/control/clock.js')).SYSTEM_CLOCK;
}

describe("the runtime's clock, for what is soon", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('takes a dozen turns of the event loop to a millisecond, each of which leaves garbage', async () => {
    const { setImmediate: later } = globalThis;
    let turns = 0;
    vi.stubGlobal('setImmediate', (call: () => void) => {
      turns++;
      later(call);
    });
    const clock = await loadedAnew();
    const begun = performance.now();
    await new Promise<void>((resolve) => void clock.soon?.(1, resolve));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1);
    expect(turns).toBeGreaterThan(0);
    expect(turns).toBeLessThanOrEqual(12);
    // A timer takes what is farther away.
    turns = 0;
    await new Promise<void>((resolve) => void clock.soon?.(8, resolve));
    expect(turns).toBe(0);
  });

  it('is not there in runtimes without such turns, where a timer would be late for it', async () => {
    vi.stubGlobal('setImmediate', undefined);
    expect((await loadedAnew()).soon).toBeUndefined();
  });

  it('leaves some kilobytes of garbage to a millisecond', async () => {
    const grown: number[] = [];
    for (let i = 0; i < 15; i++) {
      const before = getHeapStatistics().used_heap_size;
      await new Promise<void>((resolve) => void SYSTEM_CLOCK.soon?.(1, resolve));
      const bytes = getHeapStatistics().used_heap_size - before;
      // Less than none: it was collected meanwhile.
      if (bytes > 0) grown.push(bytes);
    }
    // A turn, or a look at the clock, all the time leaves 200 KB.
    expect(Math.min(...grown)).toBeLessThan(50_000);
  });

  it('leaves every other wait to timers, however short it is', async () => {
    let turns = 0;
    vi.stubGlobal('setImmediate', () => turns++);
    const clock = await loadedAnew();
    await new Promise<void>((resolve) => void clock.after(0.5, resolve));
    expect(turns).toBe(0);
  });
});
