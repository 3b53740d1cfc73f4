import type { TaskKind } from '../../envs/environment.js';
import { TASKS } from '../../envs/tasks.js';
import { UsageError } from '../../terminal/options.js';

/** Names of the tasks there are, for help and errors. */
export const TASK_NAMES = [...TASKS.keys()].join(' or ');

/** `what`: how the command line calls it. @throws UsageError for the name of no task, listing those there are. */
export function chosenTask(what: string, name: string | undefined): TaskKind {
  const kind = TASKS.get(name ?? '');
  if (!kind) throw new UsageError(`${what} must be ${TASK_NAMES}, found ${name === undefined ? 'none' : `"${name}"`}`);
  return kind;
}
