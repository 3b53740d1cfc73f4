import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { LARGEST_SEED } from '../mujoco/random.js';
import type { SimulatedTask } from '../mujoco/task.js';
import { JOINTS } from './arm-table.js';
import { SO101_CAMERAS } from './cameras.js';
import { so101Demonstrations } from './demonstrations.js';
import { SO101_GOALS, SO101_TASKS, type So101TaskName } from './goals.js';
import { checkSo101Options, parseSo101Options, type So101Options, spellSo101Options } from './options.js';
import { so101Scene } from './scene.js';
import { SO101_MAX_TICKS, So101 } from './so101.js';

/** A task of the SO-101 with its options, as data. @throws OptionError for another task, or options that there are not. */
export function so101Simulation(task: So101TaskName, options: So101Options = {}): SimulatedTask {
  if (!SO101_GOALS.has(task)) throw new OptionError(`the task must be ${SO101_TASKS.join(' or ')}, found ${shownValue(task)}.`);
  return {
    name: `${task}${spellSo101Options(checkSo101Options(task, options))}`,
    subject: 'the SO-101',
    scene: so101Scene(task),
    maxTicks: SO101_MAX_TICKS,
    largestSeed: LARGEST_SEED,
    actionDim: JOINTS,
    action: 'goal positions of its joints',
    observations: [
      { name: 'observation.state', size: 6, what: 'joint positions' },
      { name: 'observation.environment_state', size: 10, what: 'poses of cube and goal' },
    ],
    cameras: SO101_CAMERAS,
    create: (mujoco) => new So101(mujoco, task, options),
    demonstrations: so101Demonstrations(task, options),
  };
}

/** The same, spelled: `so101-pick-place/voltage=7.4/p=32`; undefined for a name that is none of the SO-101's. @throws OptionError */
export function parseSo101Task(spelled: string): SimulatedTask | undefined {
  const [name = '', ...options] = spelled.split('/');
  const task = SO101_TASKS.find((one) => one === name);
  return task && so101Simulation(task, parseSo101Options(name, options));
}
