import { createRequire } from 'node:module';
import type { ImportMujoco } from '../../envs/mujoco/module.js';
import { SetupError } from '../../foundation/setup-error.js';

const PACKAGE = '@mujoco/mujoco';

/** Brings the optional peer; one function, so that its module is started once. */
export const importMujoco: ImportMujoco = () => import('@mujoco/mujoco');

/**
 * Before a policy is loaded. `resolve` finds a package as an import would.
 * @throws SetupError that says how to install it.
 */
export function checkMujoco(task: string, resolve: (name: string) => unknown = createRequire(import.meta.url).resolve): void {
  try {
    resolve(PACKAGE);
  } catch (cause) {
    throw new SetupError(`task ${task} runs in MuJoCo, and its package ${PACKAGE} is not installed: npm install ${PACKAGE}`, { cause });
  }
}
