import { describe, expect, it } from 'vitest';
import { givenRun } from '../../src/decision/denoiser.js';
import type { LevelledDenoiser, MethodDenoiser } from '../../src/decision/denoisers/denoiser-network.js';
import { LevelRows } from '../../src/decision/denoisers/level-rows.js';
import { LevelledDenoisers } from '../../src/decision/denoisers/levelled-denoisers.js';
import { makeSchedule, type Schedule, type SolverStep } from '../../src/diffusion/solver-step.js';
import { OptionError } from '../../src/foundation/errors.js';
import { NOTHING } from '../support/solver-steps.js';

const at = (...levels: (readonly number[])[]): Schedule =>
  makeSchedule(
    'method',
    levels.map((values) => ({ ...NOTHING, levels: values })),
  );

/** A denoiser that remembers which rows it was asked for, and which were freed. */
function recording(): { readonly denoiser: MethodDenoiser; readonly made: string[]; readonly freed: string[] } {
  const [made, freed]: [string[], string[]] = [[], []];
  const withLevels = async (levels: readonly (readonly number[])[]): Promise<LevelledDenoiser> => {
    const rows = new LevelRows(levels);
    const name = levels.map((values) => values.join(' ')).join(', ');
    made.push(name);
    return {
      rehearsed: rows.rehearsed,
      bytes: 100 * levels.length,
      knows: (schedule) => rows.knows(schedule),
      observe: () => {
        throw new Error('nothing is recorded here');
      },
      destroy: () => void freed.push(name),
    };
  };
  return { denoiser: { type: 'onedp', withLevels }, made, freed };
}

describe('rows of levels', () => {
  it('belong to all values that a network embeds of a step', () => {
    const rows = new LevelRows([[80, 0.02], [12, 0.02], [12]]);
    const step = (levels?: readonly number[]): SolverStep => ({ ...NOTHING, ...(levels ? { levels } : {}) });
    expect([[12], [12, 0.02], [80, 0.02]].map((levels) => rows.rowOf(step(levels)))).toEqual([2, 1, 0]);
    expect(rows.rehearsed.steps[0]?.levels).toEqual([80, 0.02]);
    expect(() => rows.rowOf(step([80]))).toThrow('no row for a step at level 80');
    expect(() => rows.rowOf(step())).toThrow('no row for a step at level (none)');
    expect(rows.knows(at([12], [12, 0.02]))).toBe(true);
    expect(rows.knows(at([12], [11]))).toBe(false);
    expect(rows.knows(makeSchedule('method', [NOTHING]))).toBe(false);
  });

  it('are made for all that was reserved, and anew for others, when the old ones are freed', async () => {
    const { denoiser, made, freed } = recording();
    const all = new LevelledDenoisers();
    all.reserve('onedp', [at([1], [2])]);
    all.reserve('onedp', [at([2], [3])]);
    all.reserve('another', [at([9])]);
    const first = await all.make('onedp', denoiser, [at([1])]);
    expect(made).toEqual(['1, 2, 3']);
    expect(all.bytes).toBe(300);
    expect(all.find('onedp', [at([3], [1])])).toBe(first);
    expect(all.find('onedp', [at([4])])).toBeUndefined();
    all.reserve('onedp', [at([4])]);
    const second = await all.make('onedp', denoiser, [at([4])]);
    expect([made, freed]).toEqual([['1, 2, 3', '1, 2, 3, 4'], ['1, 2, 3']]);
    expect(all.bytes).toBe(400);
    all.destroy();
    expect(freed).toHaveLength(2);
    expect(all.find('onedp', [at([4])])).toBeUndefined();
    expect(second).not.toBe(first);
  });

  it('are not of strategies that were left long ago, where there are thousands', async () => {
    const { denoiser, made } = recording();
    const all = new LevelledDenoisers();
    for (let i = 0; i < 4096; i++) all.reserve('onedp', [at([i])]);
    all.reserve('onedp', [at([-1], [-2])]);
    await all.make('onedp', denoiser, [at([-1])]);
    expect(made).toEqual(['-1, -2']);
  });

  it('are asked for by every step: one without levels is an error in words, and nothing stays', async () => {
    const { denoiser, freed } = recording();
    const all = new LevelledDenoisers();
    const mixed = makeSchedule('method', [{ ...NOTHING, levels: [1] }, NOTHING]);
    all.reserve('onedp', [mixed]);
    await expect(all.make('onedp', denoiser, [mixed])).rejects.toThrow(OptionError);
    expect(freed).toHaveLength(1);
  });

  it('that a network refuses are not asked of it again with those of the next strategy', async () => {
    const { denoiser, made } = recording();
    const choosy: MethodDenoiser = {
      ...denoiser,
      withLevels: async (levels, networks) => {
        if (levels.some(([level]) => level === 13)) throw new TypeError('no row for 13');
        return denoiser.withLevels(levels, networks);
      },
    };
    const all = new LevelledDenoisers();
    all.reserve('onedp', [at([13])]);
    await expect(all.make('onedp', choosy, [at([13])])).rejects.toThrow('no row for 13');
    all.reserve('onedp', [at([4])]);
    await all.make('onedp', choosy, [at([4])]);
    expect(made).toEqual(['4']);
  });
});

describe('a schedule of a caller', () => {
  it.each(['levels', 'slots'])('has no %s: samples go through the own network of a policy', (key) => {
    const step = { ...NOTHING, [key]: [] } as SolverStep;
    const given = { sample: new Float32Array(4), schedule: { solver: 'DDIM', steps: [step], noisySteps: 0 } as const };
    const context = { horizon: 2, actionDim: 2, scheduler: { numTrainTimesteps: 10 } } as Parameters<typeof givenRun>[1];
    expect(() => givenRun(given, context)).toThrow("steps[0] has levels or slots, which are of methods' networks");
  });
});
