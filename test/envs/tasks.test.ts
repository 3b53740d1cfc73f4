import { describe, expect, it } from 'vitest';
import { chosenTask, TASK_NAMES } from '../../src/cli/eval/tasks.js';
import { sceneOf, TASKS } from '../../src/envs/tasks.js';
import { OptionError } from '../../src/foundation/errors.js';
import { UsageError } from '../../src/terminal/options.js';

describe('the tasks there are', () => {
  it('are found by their names', () => {
    for (const [name, kind] of TASKS) {
      expect(kind.name).toBe(name);
      expect(sceneOf(name)).toBe(kind.scene);
      expect(chosenTask('the task', name)).toBe(kind);
    }
  });

  it('are listed for a name that none of them has', () => {
    expect(() => sceneOf('no-such-task')).toThrow(OptionError);
    expect(() => sceneOf('no-such-task')).toThrow(/task "no-such-task" is none of push-t/);
    expect(() => chosenTask('--task', 'no-such-task')).toThrow(UsageError);
    expect(() => chosenTask('--task', 'no-such-task')).toThrow(`--task must be ${TASK_NAMES}, found "no-such-task"`);
    expect(() => chosenTask('the task', undefined)).toThrow(`the task must be ${TASK_NAMES}, found none`);
  });

  it.each([...TASKS.values()])('have scenes that name every number once: $name', ({ scene }) => {
    for (const axes of [scene.snapshot, scene.targets]) {
      expect(axes.length).toBeGreaterThan(0);
      expect(new Set(axes.map(({ name }) => name)).size).toBe(axes.length);
    }
  });
});
