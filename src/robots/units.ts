import type { JointCalibration } from './calibration.js';
import { STEPS_PER_TURN } from './registers.js';

/**
 * What a policy's joint values mean.
 * - `degrees`: body joints in degrees about the middle of their way, gripper 0 … 100 (LeRobot's default since 2026).
 * - `range`: body joints −100 … 100 of their way, gripper 0 … 100 (older policies).
 *
 * A policy with one that is driven with the other moves the arm violently.
 */
export type ArmUnits = 'degrees' | 'range';

/** Units of one joint. */
export type JointUnits = 'degrees' | 'range' | 'percent';

/** Steps as units, as LeRobot's `MotorsBus._normalize`: degrees are not limited, the others are. */
export function toUnits(steps: number, units: JointUnits, { rangeMin, rangeMax, driveMode }: JointCalibration): number {
  if (units === 'degrees') return ((steps - (rangeMin + rangeMax) / 2) * 360) / (STEPS_PER_TURN - 1);
  const share = (Math.min(rangeMax, Math.max(rangeMin, steps)) - rangeMin) / (rangeMax - rangeMin);
  if (units === 'range') return driveMode === 1 ? -(share * 200 - 100) : share * 200 - 100;
  return driveMode === 1 ? 100 - share * 100 : share * 100;
}

/** Units as steps, cut towards zero as `MotorsBus._unnormalize` does. */
export function toSteps(value: number, units: JointUnits, { rangeMin, rangeMax, driveMode }: JointCalibration): number {
  if (units === 'degrees') return Math.trunc((value * (STEPS_PER_TURN - 1)) / 360 + (rangeMin + rangeMax) / 2);
  if (units === 'range') {
    const bounded = Math.min(100, Math.max(-100, driveMode === 1 ? -value : value));
    return Math.trunc(((bounded + 100) / 200) * (rangeMax - rangeMin) + rangeMin);
  }
  const bounded = Math.min(100, Math.max(0, driveMode === 1 ? 100 - value : value));
  return Math.trunc((bounded / 100) * (rangeMax - rangeMin) + rangeMin);
}
