import { OptionError } from '../../foundation/errors.js';
import { checkMethods, checkNumber } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { JOINTS } from '../calibration.js';
import { STEPS_PER_TURN } from '../registers.js';

/**
 * Six motors with encoders, in the order of `JOINTS`, as a simulator has them: `So101Motors` of `warmstep/so101`, or your own. Counts are 0 where a
 * joint's angle is 0, 4096 a turn.
 */
export interface SimulatedMotors {
  /** V */
  readonly voltage: number;
  /** Simulated time of a step, ms. */
  readonly stepMs: number;
  /** Ends of each joint's way, counts. [6] */
  readonly ranges: readonly (readonly [low: number, high: number])[];
  /** What the encoders say, whole counts. [6] */
  readings(): readonly number[];
  /** Share of its voltage that each motor is driven with, −1 … 1. [6] */
  loads(): readonly number[];
  setGoal(joint: number, counts: number): void;
  setTorque(joint: number, hasTorque: boolean): void;
  /** Register P, 0 … 255. */
  setProportional(joint: number, p: number): void;
  /** Time goes on by so many steps. */
  advance(steps: number): void;
}

/** What an encoder says where the joint's angle is 0, as LeRobot's calibration has it: half a turn. */
export const MIDDLE = STEPS_PER_TURN / 2;

/** @throws OptionError */
export function checkMotors(where: string, motors: SimulatedMotors): SimulatedMotors {
  const methods = ['readings', 'loads', 'setGoal', 'setTorque', 'setProportional', 'advance'];
  checkMethods(where, 'motors', motors, 'the motors of a simulated arm, as So101Motors', methods);
  checkNumber(where, 'motors.voltage', motors.voltage, 'a number of volts from 0 to 25.5', (volts) => volts >= 0 && volts <= 25.5);
  checkNumber(where, 'motors.stepMs', motors.stepMs, 'a positive number of milliseconds', (ms) => ms > 0 && ms <= 1000);
  const { ranges } = motors as { readonly ranges?: unknown };
  const inTurn = (count: unknown): boolean => Number.isInteger(count) && Math.abs(count as number) < MIDDLE;
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) && range.length === 2 && range.every(inTurn) && (range[0] as number) < (range[1] as number);
  if (!Array.isArray(ranges) || ranges.length !== JOINTS.length || !ranges.every(isRange)) {
    throw new OptionError(
      `${where}: motors.ranges must be ${JOINTS.length} pairs of counts, low below high, within half a turn of 0, found ${shownValue(ranges)}.`,
    );
  }
  return motors;
}
