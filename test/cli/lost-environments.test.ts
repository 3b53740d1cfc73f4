import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { attempt } from '../../src/cli/demonstrations/attempt.js';
import { endNote } from '../../src/cli/eval/run-evaluation.js';
import { savedNote } from '../../src/cli/train/presentation.js';
import { EnvironmentLostError } from '../../src/envs/environment.js';
import type { Demonstrator } from '../../src/envs/mujoco/demonstration.js';
import { SimulationError } from '../../src/envs/mujoco/simulation.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { Interrupted } from '../../src/terminal/interrupt.js';

const LOST = new EnvironmentLostError('no room');

describe('where environments are lost', () => {
  it('an evaluation says how it goes on: not by the same command, which would end as it did', () => {
    const kept = 'what is over is kept in out: ';
    expect(endNote(LOST, 'out')).toBe(`ended by an error; ${kept}the same command with a smaller --parallel or --threads goes on.`);
    expect(endNote(new Interrupted(), 'out')).toBe(`interrupted; ${kept}start the same command again to go on.`);
    expect(endNote(new Error('no disk'), 'out')).toBe(`ended by an error; ${kept}start the same command again to go on.`);
  });

  it('a training says so by options that it has, and of no other error', () => {
    const saved = 'the run is saved in out: go on with the same command and --resume';
    expect(savedNote(LOST, 'out')).toBe(`${saved}, and --episodes of a few, or without --task and what belongs to it.`);
    expect(savedNote(new Interrupted(), 'out')).toBe(`${saved}.`);
    expect(savedNote(new NonFiniteError('a loss'), 'out')).toBe(undefined);
  });

  it('demonstrations end: a seed that the expert or the physics gives up is left out', () => {
    const written: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
    const failing = (error: Error): Demonstrator => {
      const fail = (): never => {
        throw error;
      };
      return { environment: { reset: fail }, expert: fail, positions: fail, goals: fail } as unknown as Demonstrator;
    };
    expect(() => attempt(failing(LOST), 3, false, 9)).toThrow(LOST);
    expect(written).toEqual([]);
    expect(attempt(failing(new SimulationError('the physics diverged')), 3, false, 9)).toBe(undefined);
    expect(written).toEqual(['note: seed 3: the physics diverged\n']);
  });
});
