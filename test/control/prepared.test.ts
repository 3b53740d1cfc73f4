import { describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/control/control-loop.js';
import { OptionError } from '../../src/foundation/errors.js';
import { INFO, Simulation, type SimulationOptions } from '../support/simulated.js';

/** A loop, and the times at which its source was asked to prepare, in milliseconds from the first tick. */
function prepared(options: SimulationOptions = {}, prepare: () => void = () => {}): { simulation: Simulation; times: number[] } {
  const simulation = new Simulation(options);
  const times: number[] = [];
  const begunMs = simulation.clock.now();
  Object.assign(simulation.source, {
    prepare: () => {
      times.push(simulation.clock.now() - begunMs);
      prepare();
    },
  });
  simulation.loop.observe({ state: [0] });
  simulation.loop.start();
  return { simulation, times };
}

describe('a decision', () => {
  it('is prepared three milliseconds before the tick that makes it, and no other tick is', async () => {
    const { simulation, times } = prepared();
    await simulation.run(40);
    const decided = simulation.source.windows.length;
    expect(decided).toBeGreaterThan(3);
    // The first one is made at the first tick, before which there is no time; the one after the last tick is prepared already.
    expect(times).toHaveLength(decided - 1);
    expect(times.map((ms) => ms % 20)).toEqual(times.map(() => 17));
    expect(times[0]).toBeGreaterThan(8 * 20);
    expect((times[1] as number) - (times[0] as number)).toBe(8 * 20);
  });

  it('changes no tick and no action by being prepared', async () => {
    const { simulation } = prepared();
    const plain = await Simulation.started(40);
    await simulation.run(40);
    expect(simulation.sent).toEqual(plain.sent);
    expect(simulation.loop.metrics).toEqual(plain.loop.metrics);
  });

  it('is not prepared while another one is made, nor where ticks leave no time for it', async () => {
    const slow = prepared({ latencyMs: () => 7 * 20 + 10 });
    await slow.simulation.run(30);
    expect(slow.times.every((ms) => ms % 20 === 17)).toBe(true);
    const endless = prepared({ latencyMs: () => 1e6 });
    await endless.simulation.run(10);
    expect(endless.times).toEqual([]);
    const quick = prepared({ tickMs: 3, latencyMs: () => 1 });
    await quick.simulation.run(10);
    expect(quick.simulation.source.windows.length).toBeGreaterThan(3);
    expect(quick.times).toEqual([]);
  });

  it('that cannot be prepared stops the loop safely', async () => {
    const failure = new TypeError('cannot');
    const { simulation } = prepared({}, () => {
      throw failure;
    });
    await simulation.run(20);
    expect(simulation.reasons).toEqual([{ kind: 'decision', message: expect.stringContaining('preparing'), error: failure }]);
    expect(simulation.loop.state).toBe('stopped');
    const sent = simulation.sent.length;
    await simulation.run(5);
    expect(simulation.sent).toHaveLength(sent);
  });

  it('is prepared by a function, or not at all', () => {
    const source = { info: INFO, decide: () => Promise.reject(new Error('unused')), reset: () => {}, prepare: 'now' };
    const options = { tickMs: 20, late: 'repeat', send: () => {}, onStop: () => {} } as const;
    expect(() => new ControlLoop(source as never, options)).toThrow(OptionError);
  });
});
