import type { TaskKind } from '../../envs/environment.js';
import { type Observed, seenTask, simulatedTaskKind } from '../../envs/mujoco/task.js';
import type { Scene } from '../../envs/scene.js';
import { parseSimulatedTask, SIMULATED_TASKS } from '../../envs/simulated-tasks.js';
import { sceneOf, TASKS, TASKS_IN_PICTURES } from '../../envs/tasks.js';
import { UsageError } from '../../terminal/options.js';
import { checkMujoco, mujocoSimulator } from '../simulation/mujoco.js';
import { simulations, usualThreads } from '../simulation/threads.js';

const NAMES: readonly string[] = [...TASKS.keys(), ...SIMULATED_TASKS];

/** Names of the tasks there are, for help and errors. */
export const TASK_NAMES = NAMES.join(' or ');

/** Whether there is such a task; options behind its name are none of it. */
export const isTask = (name: string): boolean => NAMES.includes(name);

/**
 * `what`: how the command line calls it. Tasks in MuJoCo take options behind their names, `so101-pick-place/voltage=7.4/p=32`, and run in
 * so many threads. `observed`: what `--observations` says; otherwise the name does.
 * @throws UsageError for the name of no task, listing those there are; OptionError for one whose options there are not; SetupError for one whose simulator
 * is not installed.
 */
export function chosenTask(what: string, name: string | undefined, threads: number = usualThreads(), observed?: Observed): TaskKind {
  const kind = TASKS.get(name ?? '');
  if (kind) {
    const seen = TASKS_IN_PICTURES.get(kind.name);
    checkObserved(observed, kind.name, kind === seen);
    return observed === 'image' ? (seen ?? kind) : kind;
  }
  const simulated = parseSimulatedTask(name ?? '');
  const [own = '', ...options] = (name ?? '').split('/');
  if (TASKS.has(own)) throw new UsageError(`${own} has no options, found "${options.join('/')}": leave it out`);
  if (!simulated) throw new UsageError(`${what} must be ${TASK_NAMES}, found ${name === undefined ? 'none' : `"${name}"`}`);
  checkObserved(observed, simulated.name, simulated.isSeen === true);
  checkMujoco(simulated.name);
  return simulatedTaskKind(observed === 'image' ? seenTask(simulated) : simulated, simulations(threads), mujocoSimulator());
}

/** @throws UsageError where numbers alone are asked of a task in pictures. */
function checkObserved(observed: Observed | undefined, task: string, isSeen: boolean): void {
  if (observed === 'numbers' && isSeen) {
    throw new UsageError(`--observations numbers: ${task} is observed in pictures: name the task without them`);
  }
}

/** How a task is shown that a record names; no simulator is needed for that. @throws OptionError for the name of no task. */
export function taskScene(name: string): Scene {
  return (TASKS.has(name) ? undefined : parseSimulatedTask(name)?.scene) ?? sceneOf(name);
}
