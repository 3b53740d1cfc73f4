import type { TaskCamera } from '../mujoco/cameras.js';

/**
 * `top` looks from above in front, where gripper and cube are seen throughout. `overhead` looks straight down, x upwards, as many camera stands do: there
 * the forearm hides the cube when it matters.
 */
export const SO101_CAMERAS: readonly TaskCamera[] = [
  { name: 'top', eye: [0.42, 0, 0.5], look: [0.17, 0, 0.02], up: [0, 0, 1], fovy: 46, usual: true },
  { name: 'overhead', eye: [0.17, 0, 0.6], look: [0.17, 0, 0], up: [1, 0, 0], fovy: 46, usual: false },
];
