import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImportMujoco } from '../../envs/mujoco/module.js';
import { SetupError } from '../../foundation/setup-error.js';

const PACKAGE = '@mujoco/mujoco';

/** Brings the optional peer; one function, so that its module is started once. */
export const importMujoco: ImportMujoco = () => import('@mujoco/mujoco');

/**
 * Before a policy is loaded. Returns what records call the simulator, "MuJoCo 3.14.0": another version may make another episode of a seed. `resolve` finds
 * a package as an import would.
 * @throws SetupError that says how to install it.
 */
export function checkMujoco(task: string, resolve: (name: string) => string = createRequire(import.meta.url).resolve): string {
  const install = `: npm install ${PACKAGE}`;
  let module: string;
  try {
    module = resolve(PACKAGE);
  } catch (cause) {
    throw new SetupError(`task ${task} runs in MuJoCo, and its package ${PACKAGE} is not installed${install}`, { cause });
  }
  // The package does not export it.
  const facts = join(dirname(module), 'package.json');
  try {
    return `MuJoCo ${(JSON.parse(readFileSync(facts, 'utf8')) as { readonly version: string }).version}`;
  } catch (cause) {
    throw new SetupError(`task ${task} runs in MuJoCo, and ${facts} does not tell which version it is${install}`, { cause });
  }
}
