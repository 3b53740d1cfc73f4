import type { TaskKind } from '../../envs/environment.js';
import { type Observed, observedTask, simulatedTaskKind } from '../../envs/mujoco/task.js';
import type { Scene } from '../../envs/scene.js';
import { parseSimulatedTask, SIMULATED_TASKS } from '../../envs/simulated-tasks.js';
import { sceneOf, TASKS } from '../../envs/tasks.js';
import { UsageError } from '../../terminal/options.js';
import { checkMujoco } from '../simulation/mujoco.js';
import { simulations, usualThreads } from '../simulation/threads.js';

/** Names of the tasks there are, for help and errors. */
export const TASK_NAMES = [...TASKS.keys(), ...SIMULATED_TASKS].join(' or ');

/**
 * `what`: how the command line calls it. Tasks in MuJoCo take options behind their names, `so101-pick-place/voltage=7.4/p=32`, and run in
 * so many threads. `observed`: what `--observations` says; otherwise the name does.
 * @throws UsageError for the name of no task, listing those there are; OptionError for one whose options or whose simulator there are not.
 */
export function chosenTask(what: string, name: string | undefined, threads: number = usualThreads(), observed?: Observed): TaskKind {
  const kind = TASKS.get(observed === 'image' && TASKS.has(`${name}${PICTURED}`) ? `${name}${PICTURED}` : (name ?? ''));
  if (kind) {
    if (observed === 'numbers' && kind.name.endsWith(PICTURED)) throw contrary(kind.name);
    return kind;
  }
  const simulated = parseSimulatedTask(name ?? '');
  if (!simulated) throw new UsageError(`${what} must be ${TASK_NAMES}, found ${name === undefined ? 'none' : `"${name}"`}`);
  if (observed === 'numbers' && simulated.isSeen) throw contrary(simulated.name);
  checkMujoco(simulated.name);
  return simulatedTaskKind(observedTask('--observations', simulated, observed ?? 'numbers'), simulations(threads));
}

/** What a task in pictures is called besides, where it is not one in MuJoCo. */
const PICTURED = '-image';

function contrary(task: string): UsageError {
  return new UsageError(`--observations numbers: ${task} is observed in pictures: name the task without them`);
}

/** How a task is shown that a record names; no simulator is needed for that. @throws OptionError for the name of no task. */
export function taskScene(name: string): Scene {
  return (TASKS.has(name) ? undefined : parseSimulatedTask(name)?.scene) ?? sceneOf(name);
}
