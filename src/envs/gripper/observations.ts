import { difference } from '../mujoco/rotations.js';
import { toRotation6d } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

const POSITION = ['x', 'y', 'z'];
const ROTATION = ['r11', 'r12', 'r13', 'r21', 'r22', 'r23'];

export const STATE_NAMES: readonly string[] = [...POSITION, ...ROTATION, 'finger_left', 'finger_right'];
export const THING_NAMES: readonly string[] = [...POSITION, ...ROTATION, 'from_hand_x', 'from_hand_y', 'from_hand_z'];

/** Position of the hand (3), the first two rows of its rotation (6), and how far its fingers are open (2), m. [11] */
export function observeState({ position, rotation }: GripperPose, fingers: readonly number[]): number[] {
  return [...position, ...toRotation6d(rotation), ...fingers];
}

/** Of each thing: position (3), first two rows of its rotation (6), and how it lies from the hand along the world's axes (3), m. [12 · things] */
export function observeThings({ hand, things }: GripperWorld): number[] {
  return things.flatMap(({ position, rotation }) => [...position, ...toRotation6d(rotation), ...difference(position, hand.position)]);
}
