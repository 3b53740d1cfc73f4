/** `warmstep/so101`: a simulated SO-101 with servos that stick, its tasks, its kinematics, and an expert; in MuJoCo, which the program brings. */

export { EnvironmentLostError } from '../envs/environment.js';
export type { ExpertAction } from '../envs/mujoco/demonstration.js';
export type { ImportMujoco } from '../envs/mujoco/module.js';
export { SimulationError } from '../envs/mujoco/simulation.js';
export { type ExpertOptions, expertActions } from '../envs/so101/expert.js';
export { SO101_TASKS, type So101TaskName } from '../envs/so101/goals.js';
export {
  type Frame,
  forwardKinematics,
  type InverseKinematics,
  type InverseKinematicsOptions,
  inverseKinematics,
} from '../envs/so101/kinematics.js';
export { So101Motors } from '../envs/so101/motors.js';
export { openSo101, so101Task } from '../envs/so101/open.js';
export type { So101Options } from '../envs/so101/options.js';
export { type Pose, SO101_MAX_TICKS, type So101, type So101State } from '../envs/so101/so101.js';
export { fromUnits, toUnits } from '../envs/so101/units.js';
