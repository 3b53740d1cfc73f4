import { difference, yawOf } from '../mujoco/rotations.js';
import type { GripperGoal, Thing } from './goal.js';
import { toRotation6d } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

const POSITION = ['x', 'y', 'z'];
const FROM_HAND = ['from_hand_x', 'from_hand_y', 'from_hand_z'];

export const STATE_NAMES: readonly string[] = [...POSITION, 'r11', 'r12', 'r13', 'r21', 'r22', 'r23', 'finger_left', 'finger_right'];

/** Names of what is observed of the things of a task. */
export function thingNames({ things }: GripperGoal): string[] {
  const turn = (symmetry: number): string[] => {
    const times = symmetry === 1 ? '' : String(symmetry);
    return symmetry === 0 ? [] : [`cos${times}yaw`, `sin${times}yaw`];
  };
  return things.flatMap(({ name, symmetry, staysDown }) =>
    [...POSITION.slice(0, staysDown ? 2 : 3), ...turn(symmetry), ...FROM_HAND].map((value) => `${name}.${value}`),
  );
}

/** Position of the hand (3), the first two rows of its rotation (6), and how far its fingers are open (2), m. [11] */
export function observeState({ position, rotation }: GripperPose, fingers: readonly number[]): number[] {
  return [...position, ...toRotation6d(rotation), ...fingers];
}

/**
 * Of each thing: position (3; 2 where it stays on the table), cosine and sine of its angle about the vertical times its symmetry (2; none where any angle looks the same), and how
 * it lies from the hand along the world's axes (3), m. What is the same in all demonstrations but for noise,
 * tilt and the height of what stays down, is left out.
 */
export function observeThings({ things }: GripperGoal, world: GripperWorld): number[] {
  return world.things.flatMap(({ position, rotation }, i) => {
    const { symmetry, staysDown } = things[i] as Thing;
    const angle = symmetry * yawOf(rotation);
    const turn = symmetry === 0 ? [] : [Math.cos(angle), Math.sin(angle)];
    return [...position.slice(0, staysDown ? 2 : 3), ...turn, ...difference(position, world.hand.position)];
  });
}
