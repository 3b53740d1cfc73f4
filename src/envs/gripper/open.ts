import type { TaskKind } from '../environment.js';
import { localSimulations } from '../mujoco/local.js';
import { type ImportMujoco, startMujoco } from '../mujoco/module.js';
import { type Observed, observedTask, simulatedTaskKind } from '../mujoco/task.js';
import type { GripperTaskName } from './goal.js';
import { FloatingGripper, gripperGoal } from './gripper.js';
import { gripperSimulation } from './task.js';

/**
 * A floating gripper in front of a task. `mujoco` brings the package, which is not warmstep's own:
 *
 *     const environment = await openGripper('square', () => import('@mujoco/mujoco'));
 *
 * @throws OptionError for another task or package.
 */
export async function openGripper(task: GripperTaskName, mujoco: ImportMujoco): Promise<FloatingGripper> {
  gripperGoal('openGripper', task);
  return new FloatingGripper(await startMujoco('openGripper', mujoco), task);
}

/**
 * A task that policies are evaluated on, `gripperTask(…).forPolicy(policy.info)`: with the hands (11 values each) and the things (6 to
 * 31), whatever a policy calls them; `observed` as `image`, with the pictures of cameras `observation.images.top`, `wrist` and `overhead`, and of two hands
 * `other_wrist`, of the size that a policy reads, and those numbers beside them where it reads them. `mujoco` as for `openGripper`; the package is
 * started with the first episode.
 * @throws OptionError for another task, or what cannot bring a package.
 */
export function gripperTask(task: GripperTaskName, mujoco: ImportMujoco, observed: Observed = 'numbers'): TaskKind {
  return simulatedTaskKind(
    observedTask('gripperTask', gripperSimulation('gripperTask', task), observed),
    localSimulations('gripperTask', mujoco),
  );
}
