import type { TaskCamera } from '../mujoco/cameras.js';

/** `top` looks from above in front; `wrist` hangs beside the palm and looks at the finger tips, as the originals' cameras in the hand do. */
export const GRIPPER_CAMERAS: readonly TaskCamera[] = [
  { name: 'top', eye: [0.82, 0, 0.58], look: [0.12, 0, 0.08], up: [0, 0, 1], fovy: 46, usual: true },
  { name: 'wrist', eye: [0.085, 0, 0.075], look: [0.03, 0, 0], up: [-1, 0, 0], fovy: 75, body: 'hand', usual: true },
  { name: 'overhead', eye: [0.14, 0, 0.85], look: [0.14, 0, 0], up: [1, 0, 0], fovy: 46, usual: false },
];
