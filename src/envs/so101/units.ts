import { OptionError } from '../../foundation/errors.js';
import { copyNumbers } from '../../foundation/options.js';
import { ARM, type ArmJoint, GRIPPER, JOINTS } from './arm-table.js';

/**
 * LeRobot's units of six joint angles in rad: −100 … 100 over the range of an arm joint, 0 (closed) … 100 (open) for the gripper.
 * @throws OptionError for what are not six finite numbers.
 */
export function toUnits(angles: ArrayLike<number>): number[] {
  return Array.from(sixNumbers('toUnits', angles), (angle, joint) => {
    const { range } = ARM[joint] as ArmJoint;
    const share = (angle - range[0]) / (range[1] - range[0]);
    return joint === GRIPPER ? 100 * share : 200 * share - 100;
  });
}

/** Joint angles in rad of LeRobot's units. @throws OptionError for what are not six finite numbers. */
export function fromUnits(units: ArrayLike<number>): number[] {
  return Array.from(sixNumbers('fromUnits', units), (value, joint) => {
    const [low, high] = (ARM[joint] as ArmJoint).range;
    return low + (joint === GRIPPER ? value / 100 : (value + 100) / 200) * (high - low);
  });
}

/** @throws OptionError */
export function sixNumbers(where: string, values: ArrayLike<number>): Float64Array {
  return copyNumbers(values, JOINTS, (found, index) => {
    const what = index === undefined ? `${JOINTS} numbers, one per joint` : `a finite number for ${(ARM[index] as ArmJoint).name}`;
    return new OptionError(`${where}: expected ${what}, found ${found}.`);
  });
}

/** Within the calibrated range, as LeRobot sends it to the motors. */
export function clampUnits(units: ArrayLike<number>): number[] {
  return Array.from(units, (value, joint) => Math.min(100, Math.max(joint === GRIPPER ? 0 : -100, value)));
}

/** rad, within a joint's range. */
export function clampAngle(angle: number, joint: number): number {
  const [low, high] = (ARM[joint] as ArmJoint).range;
  return Math.max(low, Math.min(high, angle));
}
