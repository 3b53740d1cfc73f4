import { OptionError } from '../../foundation/errors.js';
import { copyNumbers } from '../../foundation/options.js';
import type { Vector } from '../mujoco/rotations.js';
import { FINGER_TRAVEL, WORKSPACE } from './hand.js';
import { fromRotation6d, hingeAngles } from './rotation-6d.js';

/** Diffusion Policy's layout of an absolute action: position, rotation, gripper. */
export const ACTION_DIM = 10;
export const ACTION_NAMES: readonly string[] = ['x', 'y', 'z', 'r11', 'r12', 'r13', 'r21', 'r22', 'r23', 'grip'];

/** Set points of the actuators: three slides in m, three hinges in rad, two fingers in m. [8] */
export type SetPoints = readonly number[];

/**
 * What an action asks of the actuators: the position clamped to the workspace, the rotation made one of its six numbers, the gripper clamped to
 * −1 (open) … 1 (closed). `hinges`: where they are, [3].
 * @throws OptionError for what are not ten finite numbers, or six that are no rotation.
 */
export function setPointsOf(where: string, action: ArrayLike<number>, hinges: Vector): SetPoints {
  const values = copyNumbers(action, ACTION_DIM, (found, index) => {
    const what =
      index === undefined
        ? `${ACTION_DIM} numbers, position (3), rotation (6) and gripper`
        : `a finite number for ${ACTION_NAMES[index]}, number ${index}`;
    return new OptionError(`${where}: expected ${what}, found ${found}.`);
  });
  const six = values.subarray(3, 9);
  const rotation = fromRotation6d(six);
  if (!rotation) {
    throw new OptionError(
      `${where}: expected two rows of a rotation in numbers 3 to 8 of the action, found ${six.join(', ')}, which span no plane: give the first two rows of a rotation matrix.`,
    );
  }
  const position = WORKSPACE.map(([low, high], i) => clamp(values[i] as number, low, high));
  const opening = (FINGER_TRAVEL * (1 - clamp(values[9] as number, -1, 1))) / 2;
  return [...position, ...hingeAngles(rotation, hinges), opening, opening];
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
