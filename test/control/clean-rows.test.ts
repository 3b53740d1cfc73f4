import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { ArmDrive } from '../../src/robots/arm-drive.js';
import { INFO, Simulation } from '../support/simulated.js';

describe('a source of which rows behind the executed ones are noise', () => {
  it('is refused by a loop, in words that say what to do', () => {
    const made = (): unknown => new Simulation({ info: { decidesAhead: false, actionSteps: 1 } });
    expect(made).toThrow(OptionError);
    expect(made).toThrow(/decides one action at a time, and rows behind them are noise.*Call act\(\) once per tick/);
    expect(() => new Simulation({ info: { decidesAhead: 1 as never } })).toThrow(/info\.decidesAhead must be true or false, found 1/);
  });

  it('is refused by a drive before it asks anything of the arm', () => {
    const source = { info: { ...INFO, decidesAhead: false }, decide: () => Promise.reject(new Error('asked')), reset: () => {} };
    expect(() => new ArmDrive(source, {} as never, {} as never)).toThrow(/decides 8 actions at a time/);
  });

  it('stops a loop safely where its strategy became one meanwhile: nothing of such a chunk is sent', async () => {
    const simulation = await Simulation.started(6);
    const before = simulation.sent.length;
    Object.assign(simulation.source, { info: { ...INFO, decidesAhead: false } });
    await simulation.run(30);
    expect(simulation.loop.stopReason?.message).toMatch(/rows behind them are noise/);
    expect(simulation.sent.slice(before).every(({ action: [value] }) => (value as number) < 100)).toBe(true);
    expect(simulation.source.windows).toHaveLength(1);
  });
});
