import { OptionError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import type { TaskKind } from './environment.js';
import { PUSH_T, PUSH_T_IMAGE } from './push-t/task.js';
import type { Scene } from './scene.js';

/** The tasks there are, by name. */
export const TASKS: ReadonlyMap<string, TaskKind> = new Map([PUSH_T, PUSH_T_IMAGE].map((kind) => [kind.name, kind]));

/** By the name of a task, that which is the same observed in pictures: itself, where it is so observed. */
export const TASKS_IN_PICTURES: ReadonlyMap<string, TaskKind> = new Map([PUSH_T, PUSH_T_IMAGE].map((kind) => [kind.name, PUSH_T_IMAGE]));

/** @throws OptionError for the name of no task, listing those there are. */
export function sceneOf(task: string): Scene {
  const kind = TASKS.get(task);
  if (!kind) {
    throw new OptionError(`task "${shownValue(task)}" is none of ${[...TASKS.keys()].join(', ')}: hand in the scene of a task of your own`);
  }
  return kind.scene;
}
