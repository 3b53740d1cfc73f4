import { describe, expect, it } from 'vitest';
import type { ControlEvents } from '../../src/control/events.js';
import { Sender } from '../../src/control/sender.js';
import { DeviceLostError, NonFiniteError } from '../../src/foundation/errors.js';
import { Simulation } from '../support/simulated.js';

/** Nothing of a stopped loop moves a robot any more, however much time passes. */
async function expectStopped(simulation: Simulation, kind: string): Promise<void> {
  const sent = simulation.sent.length;
  const { ticks } = simulation.loop.metrics;
  await simulation.run(20, () => simulation.loop.observe({ state: [1] }));
  expect(simulation.sent).toHaveLength(sent);
  expect(simulation.loop.metrics.ticks).toBe(ticks);
  expect(simulation.loop.state).toBe('stopped');
  expect(simulation.reasons).toMatchObject([{ kind }]);
  expect(simulation.loop.stopReason).toBe(simulation.reasons[0]);
  await expect(simulation.loop.stopped).resolves.toBe(simulation.reasons[0]);
}

describe('a loop stops safely', () => {
  it('when the source fails: rows that are left are not sent', async () => {
    const simulation = new Simulation();
    const error = new DeviceLostError('the device was lost');
    simulation.source.spoil = (plan, chunk) => {
      if (plan === 1) throw error;
      return chunk;
    };
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(20);
    expect(simulation.actions(12, 15)).toEqual([10, 11, undefined, undefined]);
    expect(simulation.reasons[0]).toEqual({
      kind: 'decision',
      message: 'deciding from the observation of tick 11 failed: the device was lost',
      error,
    });
    await expectStopped(simulation, 'decision');
  });

  it('when the source throws before it returns a promise', async () => {
    const simulation = new Simulation();
    simulation.source.decide = () => {
      throw new RangeError('broken');
    };
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(1);
    expect(simulation.reasons[0]?.message).toContain('broken');
    await expectStopped(simulation, 'decision');
  });

  it.each([NaN, Infinity, -Infinity])('when a chunk holds %s, in whatever row: none of it is sent', async (value) => {
    const simulation = new Simulation({ limits: { low: -1000, high: 1000 } });
    simulation.source.spoil = (plan, chunk) => (plan === 1 ? chunk.with(2 * 12 + 1, value) : chunk);
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(20);
    expect(simulation.sent.every(({ action }) => action.every(Number.isFinite))).toBe(true);
    expect(simulation.actions(13, 15)).toEqual([11, undefined, undefined]);
    expect(simulation.reasons[0]?.error).toBeInstanceOf(NonFiniteError);
    expect(simulation.reasons[0]?.message).toMatch(/row 12 of its chunk, dimension 1/);
    await expectStopped(simulation, 'decision');
  });

  it('when a chunk has another size', async () => {
    const simulation = await Simulation.started(1);
    simulation.source.spoil = (_, chunk) => chunk.slice(2);
    await simulation.run(5);
    expect(simulation.reasons[0]?.message).toMatch(/16 × 2 = 32 values.*found 30/);
    await expectStopped(simulation, 'decision');
  });

  it.each([
    [
      'throws',
      (): void => {
        throw new Error('port closed');
      },
    ],
    [
      'rejects',
      async (): Promise<void> => {
        throw new Error('port closed');
      },
    ],
  ])('when send %s', async (_, send) => {
    const simulation = await Simulation.started(6, { send });
    expect(simulation.reasons[0]?.message).toMatch(/fail|could not be sent/);
    expect(simulation.reasons[0]?.message).toContain('port closed');
    await expectStopped(simulation, 'send');
  });

  it.each<keyof ControlEvents>(['tick', 'decision', 'deadline-miss', 'limit'])(
    'when a listener of %s throws; the others are still called',
    async (name) => {
      const simulation = new Simulation({ latencyMs: (plan) => (plan === 1 ? 250 : 50), limits: { high: 9 } });
      simulation.loop.on(name, () => {
        throw new Error('listener broken');
      });
      const events = simulation.record(name);
      simulation.loop.observe({ state: [0] });
      simulation.loop.start();
      await simulation.run(20);
      expect(events).toHaveLength(1);
      expect(simulation.reasons[0]?.message).toBe(`a listener of "${name}" threw: listener broken`);
      await expectStopped(simulation, 'listener');
    },
  );

  it('when asked to, once; the first reason stays', async () => {
    const simulation = await Simulation.started(6);
    const stopped = simulation.loop.stop('operator');
    void simulation.loop.stop('operator again');
    await expect(stopped).resolves.toMatchObject({ kind: 'requested', message: 'operator', error: undefined });
    await expectStopped(simulation, 'requested');
  });

  it.each(['tick', 'deadline-miss', 'limit'] as const)('within the tick when a listener of %s asks for it', async (name) => {
    const simulation = new Simulation({ latencyMs: (plan) => (plan === 1 ? 250 : 50), limits: { high: 9 } });
    let sent = 0;
    simulation.loop.on(name, () => {
      sent = simulation.sent.length;
      void simulation.loop.stop();
    });
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(20);
    expect(simulation.sent).toHaveLength(sent);
    await expectStopped(simulation, 'requested');
  });

  it('in the middle of a plan: it says so at once, and has stopped when the plan has ended', async () => {
    const simulation = await Simulation.started(2, { latencyMs: () => 130 });
    let settled = false;
    const stopped = simulation.loop.stop();
    void stopped.then(() => (settled = true));
    expect(simulation.reasons).toHaveLength(1);
    await simulation.run(3);
    expect([simulation.source.running, settled]).toEqual([1, false]);
    await simulation.run(3);
    expect([simulation.source.running, settled]).toEqual([0, true]);
    await expectStopped(simulation, 'requested');
  });

  it('and waits for an action that is being sent', async () => {
    let finish = (): void => {};
    const simulation = await Simulation.started(5, { send: () => new Promise<void>((resolve) => (finish = resolve)) });
    let settled = false;
    void simulation.loop.stop().then(() => (settled = true));
    await simulation.run(5);
    expect(settled).toBe(false);
    finish();
    await simulation.run(1);
    expect(settled).toBe(true);
  });

  it('also when onStop throws, which is told to who waits', async () => {
    const simulation = await Simulation.started(5, {
      onStop: () => {
        throw new Error('no brake');
      },
    });
    const events = simulation.record('stop');
    await expect(simulation.loop.stop()).rejects.toThrow('no brake');
    expect(simulation.loop.state).toBe('stopped');
    expect(events).toHaveLength(1);
  });

  it('for good: it does not start again', async () => {
    const simulation = await Simulation.started(5);
    expect(() => simulation.loop.start()).toThrow(/start\(\) needs a loop that is idle, this one is running/);
    await simulation.loop.stop();
    expect(() => simulation.loop.start()).toThrow(/this one is stopped/);
    expect(() => simulation.loop.reset()).toThrow(/reset\(\) needs a running loop, this one is stopped/);
  });
});

describe('Sender', () => {
  it('is the last gate: NaN does not pass, wherever it comes from', () => {
    const sent: number[][] = [];
    const sender = new Sender(
      (action) => void sent.push([...action]),
      () => {},
    );
    const info = { tick: 4, source: 'decided', row: 1, ageMs: 0 } as const;
    expect(() => sender.send({ action: Float64Array.of(1, NaN), observedAtMs: 0 }, info)).toThrow(NonFiniteError);
    expect(() => sender.send({ action: Float64Array.of(1, NaN), observedAtMs: 0 }, info)).toThrow(
      'the action of tick 4 is NaN in dimension 1',
    );
    expect(sent).toEqual([]);
    expect(sender.last).toBeUndefined();
  });

  it('hands out an array that the receiver may write to', () => {
    const sender = new Sender(
      (action) => void action.fill(9),
      () => {},
    );
    sender.send({ action: Float64Array.of(1, 2), observedAtMs: 0 }, { tick: 0, source: 'decided', row: 1, ageMs: 0 });
    expect(sender.last?.action).toEqual(Float64Array.of(1, 2));
  });
});
