import type { TaskCamera } from '../mujoco/cameras.js';
import type { HandPlan } from './hand.js';

const TOP: TaskCamera = { name: 'top', eye: [0.82, 0, 0.58], look: [0.12, 0, 0.08], up: [0, 0, 1], fovy: 46, usual: true };
const OVERHEAD: TaskCamera = { name: 'overhead', eye: [0.14, 0, 0.85], look: [0.14, 0, 0], up: [1, 0, 0], fovy: 46, usual: false };

/** Two hands work along 0.84 m of the table, from y = -0.5 (a lid that is put aside) to 0.34: its middle, from further back. */
const TOP_OF_TWO: TaskCamera = { ...TOP, eye: [1.1, -0.08, 0.86], look: [0.13, -0.08, 0.1] };
const OVERHEAD_OF_TWO: TaskCamera = { ...OVERHEAD, eye: [0.14, -0.08, 1.3], look: [0.14, -0.08, 0] };

/**
 * `top` looks from above in front, `overhead` straight down; beside the palm of each hand hangs a `wrist`, that of a second hand is `other_wrist`, and looks at
 * the finger tips, as the originals' cameras in the hand do (`robot0_eye_in_hand`, `robot1_eye_in_hand`).
 */
export function gripperCameras(hands: readonly HandPlan[]): TaskCamera[] {
  const wrists = hands.map(({ prefix }): TaskCamera => {
    return {
      name: `${prefix}wrist`,
      eye: [0.085, 0, 0.075],
      look: [0.03, 0, 0],
      up: [-1, 0, 0],
      fovy: 75,
      body: `${prefix}hand`,
      usual: true,
    };
  });
  const isPair = hands.length > 1;
  return [isPair ? TOP_OF_TWO : TOP, ...wrists, isPair ? OVERHEAD_OF_TWO : OVERHEAD];
}
