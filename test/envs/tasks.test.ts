import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chosenTask, TASK_NAMES, taskScene } from '../../src/cli/eval/tasks.js';
import { checkMujoco, mujocoSimulator } from '../../src/cli/simulation/mujoco.js';
import { SIMULATED_TASKS } from '../../src/envs/simulated-tasks.js';
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

  it('of MuJoCo are found by their names too, with options behind slashes', () => {
    for (const name of SIMULATED_TASKS) expect(chosenTask('the task', name).name).toBe(name);
    expect(chosenTask('the task', 'so101-stack-cube/backlash=0.87/voltage=12').name).toBe('so101-stack-cube/backlash=0.87');
    expect(() => chosenTask('the task', 'so101-stack-cube/volts=12')).toThrow(/expected options voltage=/);
    expect(() => chosenTask('the task', 'so101')).toThrow(UsageError);
    expect(taskScene('so101-stack-cube/backlash=0.87').title).toBe('SO-101, cube on cube');
    expect(taskScene('push-t').title).toBe('Push-T');
    expect(() => taskScene('lamp')).toThrow(/task "lamp" is none of push-t/);
    expect(() =>
      checkMujoco('so101-stack-cube', () => {
        throw new Error('none');
      }),
    ).toThrow(/npm install @mujoco\/mujoco/);
  });

  it('of MuJoCo are run by a package that does not say its version, or says it above its main file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmstep-mujoco-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const resolve = () => join(folder, 'dist', 'mujoco.js');
    const facts = (place: string, text: string): void => writeFileSync(join(folder, place, 'package.json'), text);
    mkdirSync(join(folder, 'dist'));
    expect(() => checkMujoco('lift', resolve)).not.toThrow();
    expect(mujocoSimulator(resolve)).toBe(undefined);
    // Of a folder that only says which kind of modules lie in it.
    facts('dist', '{"type": "module"}');
    facts('.', '{"name": "@mujoco/mujoco", "version": "3.15.2"}');
    expect(mujocoSimulator(resolve)).toBe('MuJoCo 3.15.2');
    facts('.', '{"name": "@mujoco/mujoco"}');
    expect(mujocoSimulator(resolve)).toBe(undefined);
  });

  it('of MuJoCo say which version simulates them, for records', () => {
    const { version } = JSON.parse(readFileSync('node_modules/@mujoco/mujoco/package.json', 'utf8')) as { version: string };
    const policy = { name: 'p', observations: [], actionDim: 10 };
    expect(chosenTask('the task', 'lift').forPolicy(policy).simulator).toBe(`MuJoCo ${version}`);
    expect(chosenTask('the task', 'lift', 0, 'numbers').forPolicy(policy).simulator).toBe(`MuJoCo ${version}`);
  });

  it('are told from each other by options that they do not have', () => {
    expect(() => chosenTask('the task', 'push-t/p=3')).toThrow('push-t has no options, found "p=3": leave it out');
    expect(() => chosenTask('the task', 'lift/p=3')).toThrow('lift has no options, found p=3: leave it out');
  });

  const scenes = [...TASKS.values(), ...SIMULATED_TASKS.map((name) => chosenTask('the task', name))];
  it.each(scenes)('have scenes that name every number once: $name', ({ scene }) => {
    for (const axes of [scene.snapshot, scene.targets]) {
      expect(axes.length).toBeGreaterThan(0);
      expect(new Set(axes.map(({ name }) => name)).size).toBe(axes.length);
    }
  });
});
