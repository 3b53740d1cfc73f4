import { GRIPPER_TASKS } from './gripper/goals/index.js';
import { parseGripperTask } from './gripper/task.js';
import { SEEN } from './mujoco/observer.js';
import { type SimulatedTask, seenTask } from './mujoco/task.js';
import { SO101_TASKS } from './so101/goals.js';
import { parseSo101Task } from './so101/task.js';

/** Families of tasks in MuJoCo: their names, and what makes one of its spelled name, or knows none such. */
const FAMILIES: readonly { readonly names: readonly string[]; parse(spelled: string): SimulatedTask | undefined }[] = [
  { names: SO101_TASKS, parse: parseSo101Task },
  { names: GRIPPER_TASKS, parse: parseGripperTask },
];

/** The tasks there are in MuJoCo. Options follow behind slashes. */
export const SIMULATED_TASKS: readonly string[] = FAMILIES.flatMap(({ names }) => names);

/**
 * A task by its spelled name; undefined for a name that none has. All take `observations=image` among their options, for policies that look through
 * their cameras. @throws OptionError for options that it does not have.
 */
export function parseSimulatedTask(spelled: string): SimulatedTask | undefined {
  const parts = spelled.split('/');
  const own = parts.filter((part) => part !== SEEN);
  for (const family of FAMILIES) {
    const task = family.parse(own.join('/'));
    if (task) return own.length < parts.length ? seenTask(task) : task;
  }
  return undefined;
}
