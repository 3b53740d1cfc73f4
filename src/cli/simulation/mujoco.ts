import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImportMujoco } from '../../envs/mujoco/module.js';
import { SetupError } from '../../foundation/setup-error.js';

const PACKAGE = '@mujoco/mujoco';

/** Brings the optional peer; one function, so that its module is started once. */
export const importMujoco: ImportMujoco = () => import('@mujoco/mujoco');

/** Finds the main file of a package as an import would. */
export type ResolvePackage = (name: string) => string;

const resolvePackage: ResolvePackage = createRequire(import.meta.url).resolve;

/** Before a policy is loaded. @throws SetupError that says how to install it. */
export function checkMujoco(task: string, resolve = resolvePackage): void {
  try {
    resolve(PACKAGE);
  } catch (cause) {
    throw new SetupError(`task ${task} runs in MuJoCo, and its package ${PACKAGE} is not installed: npm install ${PACKAGE}`, { cause });
  }
}

/**
 * What records call the simulator, "MuJoCo 3.14.0": another version may make another episode of a seed. Undefined where the package, which must be there,
 * does not tell.
 */
export function mujocoSimulator(resolve = resolvePackage): string | undefined {
  let folder = dirname(resolve(PACKAGE));
  // The package does not export the file that tells; it lies beside the main file, or above it.
  while (folder !== dirname(folder)) {
    const { name, version } = packageFacts(folder);
    if (name === PACKAGE) return typeof version === 'string' ? `MuJoCo ${version}` : undefined;
    folder = dirname(folder);
  }
  return undefined;
}

/** Of package.json in a folder; nothing where none can be read. */
function packageFacts(folder: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    return Object(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  } catch {
    return {};
  }
}
