/** `warmstep/gripper`: a floating gripper in tasks in the manner of RoboMimic and ManiSkill, and an expert; in MuJoCo, which the program brings. */

export { EnvironmentLostError } from '../envs/environment.js';
export type { GripperExpertOptions } from '../envs/gripper/expert.js';
export { gripperExpertActions } from '../envs/gripper/expert.js';
export type { GripperTaskName } from '../envs/gripper/goal.js';
export { GRIPPER_TASKS } from '../envs/gripper/goals/index.js';
export { type FloatingGripper, GRIPPER_MAX_TICKS, type GripperHand, type GripperState } from '../envs/gripper/gripper.js';
export { gripperTask, openGripper } from '../envs/gripper/open.js';
export type { GripperPose } from '../envs/gripper/world.js';
export type { ExpertAction } from '../envs/mujoco/demonstration.js';
export type { ImportMujoco } from '../envs/mujoco/module.js';
export { SimulationError } from '../envs/mujoco/simulation.js';
