import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkObject } from '../foundation/options.js';
import { STEPS_PER_TURN } from './registers.js';

/** How one joint's steps become its units, as LeRobot's calibration files say it. */
export interface JointCalibration {
  readonly id: number;
  /** 1: the joint turns the other way round. */
  readonly driveMode: 0 | 1;
  /** Steps that the servo takes off its sensor's value. */
  readonly homingOffset: number;
  /** Steps at the ends of its way. */
  readonly rangeMin: number;
  readonly rangeMax: number;
}

export type JointName = 'shoulder_pan' | 'shoulder_lift' | 'elbow_flex' | 'wrist_flex' | 'wrist_roll' | 'gripper';

/** The joints of an SO-100 or SO-101, in the order of LeRobot's vectors, which is that of their ids, 1 … 6. */
export const JOINTS: readonly JointName[] = ['shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper'];

export type ArmCalibration = Readonly<Record<JointName, JointCalibration>>;

/**
 * Reads LeRobot's calibration of a follower arm (`…/calibration/robots/so_follower/ID.json`): by joint
 * `{ id, drive_mode, homing_offset, range_min, range_max }`.
 * @throws OptionError naming the joint and the key.
 */
export function readCalibration(json: unknown, where = 'calibration'): ArmCalibration {
  const joints = checkObject(where, 'the file', json) as Readonly<Record<string, unknown>>;
  const ids = new Set<number>();
  return Object.fromEntries(
    JOINTS.map((name): [JointName, JointCalibration] => {
      const given = joints[name];
      if (given === undefined)
        throw new OptionError(`${where}: expected the joint "${name}", found ${Object.keys(joints).join(', ') || 'nothing'}.`);
      const joint = checkObject(where, name, given) as Readonly<Record<string, unknown>>;
      const value = (key: string, least: number, most: number): number => checkInteger(where, `${name}.${key}`, joint[key], least, most);
      const last = STEPS_PER_TURN - 1;
      const calibration = {
        id: value('id', 0, 253),
        driveMode: value('drive_mode', 0, 1) as 0 | 1,
        homingOffset: value('homing_offset', -2047, 2047),
        rangeMin: value('range_min', 0, last),
        rangeMax: value('range_max', 0, last),
      };
      if (calibration.rangeMin >= calibration.rangeMax) {
        throw new OptionError(
          `${where}: ${name}: expected range_min below range_max, found ${calibration.rangeMin} and ${calibration.rangeMax}. Calibrate again.`,
        );
      }
      if (ids.has(calibration.id)) throw new OptionError(`${where}: two joints have the id ${calibration.id}. Calibrate again.`);
      ids.add(calibration.id);
      return [name, calibration];
    }),
  ) as unknown as ArmCalibration;
}
