import type { TaskKind } from '../environment.js';
import { localSimulations } from '../mujoco/local.js';
import { type ImportMujoco, startMujoco } from '../mujoco/module.js';
import { type Observed, observedTask, simulatedTaskKind } from '../mujoco/task.js';
import type { So101TaskName } from './goals.js';
import type { So101Options } from './options.js';
import { So101 } from './so101.js';
import { so101Simulation } from './task.js';

/**
 * A simulated SO-101 in front of a task. `mujoco` brings the package, which is not warmstep's own:
 *
 *     const environment = await openSo101('so101-stack-cube', () => import('@mujoco/mujoco'));
 *
 * @throws OptionError for another task, options that there are not, or another package.
 */
export async function openSo101(task: So101TaskName, mujoco: ImportMujoco, options: So101Options = {}): Promise<So101> {
  so101Simulation(task, options);
  return new So101(await startMujoco('openSo101', mujoco), task, options);
}

/**
 * A task that policies are evaluated on, `so101Task(…).forPolicy(policy.info)`: with joint positions (6 values) and the poses of cube and goal
 * (10), whatever a policy calls them; `observed` as `image`, with the pictures of cameras `observation.images.top` and `overhead`, of the size that a policy reads,
 * and those numbers beside them where it reads them. `mujoco` as for `openSo101`; the package is started with the first episode.
 * @throws OptionError for another task, options that there are not, or what cannot bring a package.
 */
export function so101Task(task: So101TaskName, mujoco: ImportMujoco, options: So101Options = {}, observed: Observed = 'numbers'): TaskKind {
  return simulatedTaskKind(observedTask('so101Task', so101Simulation(task, options), observed), localSimulations('so101Task', mujoco));
}
