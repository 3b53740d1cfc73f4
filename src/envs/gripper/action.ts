import { OptionError } from '../../foundation/errors.js';
import { copyNumbers } from '../../foundation/options.js';
import type { Vector } from '../mujoco/rotations.js';
import { FINGER_TRAVEL, type HandPlan } from './hand.js';
import { fromRotation6d, hingeAngles } from './rotation-6d.js';

/** Diffusion Policy's layout of an absolute action of one hand: position, rotation, gripper. */
const HAND_DIM = 10;
const HAND_NAMES: readonly string[] = ['x', 'y', 'z', 'r11', 'r12', 'r13', 'r21', 'r22', 'r23', 'grip'];

/** Names of what an action of these hands is, one hand after the other. */
export function actionNames(hands: readonly HandPlan[]): string[] {
  return hands.flatMap(({ prefix }) => HAND_NAMES.map((name) => `${prefix}${name}`));
}

/** Set points of the actuators of each hand: three slides in m, three hinges in rad, two fingers in m. [8 of each] */
export type SetPoints = readonly number[];

/**
 * What an action asks of the actuators: the position clamped to the workspace, the rotation made one of its six numbers, the gripper clamped to
 * −1 (open) … 1 (closed). `hinges`: where those of each hand are, [3].
 * @throws OptionError for what are not ten finite numbers for each hand, or six that are no rotation.
 */
export function setPointsOf(
  where: string,
  action: ArrayLike<number>,
  hands: readonly { readonly plan: HandPlan; readonly hinges: Vector }[],
): SetPoints {
  const size = HAND_DIM * hands.length;
  const values = copyNumbers(action, size, (found, index) => {
    const what =
      index === undefined
        ? `${size} numbers, position (3), rotation (6) and gripper${hands.length > 1 ? ' of each hand' : ''}`
        : `a finite number for ${actionNames(hands.map(({ plan }) => plan))[index]}, number ${index}`;
    return new OptionError(`${where}: expected ${what}, found ${found}.`);
  });
  return hands.flatMap(({ plan, hinges }, hand) => {
    const first = HAND_DIM * hand;
    return handSetPoints(where, values.subarray(first, first + HAND_DIM), first, plan, hinges);
  });
}

function handSetPoints(where: string, values: Float64Array, first: number, { workspace }: HandPlan, hinges: Vector): SetPoints {
  const six = values.subarray(3, 9);
  const rotation = fromRotation6d(six);
  if (!rotation) {
    throw new OptionError(
      `${where}: expected two rows of a rotation in numbers ${first + 3} to ${first + 8} of the action, found ${six.join(', ')}, which span no plane: give the first two rows of a rotation matrix.`,
    );
  }
  const position = workspace.map(([low, high], i) => clamp(values[i] as number, low, high));
  const opening = (FINGER_TRAVEL * (1 - clamp(values[9] as number, -1, 1))) / 2;
  return [...position, ...hingeAngles(rotation, hinges), opening, opening];
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
