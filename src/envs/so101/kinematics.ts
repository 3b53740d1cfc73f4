import { OptionError } from '../../foundation/errors.js';
import { checkKeys, checkNumber, copyNumbers, keysOf } from '../../foundation/options.js';
import { axisRotation, difference, IDENTITY, product, rotated, sum } from '../mujoco/rotations.js';
import { ARM, type ArmJoint, GRASP, JOINTS } from './arm-table.js';
import { solve3 } from './solve3.js';
import { clampAngle, sixNumbers } from './units.js';

/** A frame in the world: metres, rotation row-major [9]. */
export interface Frame {
  readonly position: readonly number[];
  readonly rotation: readonly number[];
}

/** Frames of all links, in the order of the joints. */
export function linkFrames(angles: ArrayLike<number>): Frame[] {
  const frames: Frame[] = [];
  let position: readonly number[] = [0, 0, 0];
  let rotation: readonly number[] = IDENTITY;
  for (let joint = 0; joint < Math.min(JOINTS, angles.length); joint++) {
    const { offset, axis } = ARM[joint] as ArmJoint;
    position = sum(position, rotated(rotation, offset));
    rotation = product(rotation, axisRotation(unit(axis), angles[joint] as number));
    frames.push({ position, rotation });
  }
  return frames;
}

/** The jaw's axis is published with seven digits. */
function unit(axis: readonly number[]): number[] {
  const length = Math.hypot(...axis);
  return axis.map((value) => value / length);
}

const HAND = 4;

/** Frame of the hand, the link before the jaw, for six joint angles in rad. @throws OptionError for what are not six finite numbers. */
export function forwardKinematics(angles: ArrayLike<number>): Frame {
  return linkFrames(sixNumbers('forwardKinematics', angles))[HAND] as Frame;
}

/** A point of the hand, in the world. */
export function handPoint(angles: ArrayLike<number>, local: readonly number[] = GRASP): number[] {
  const { position, rotation } = linkFrames(Array.from({ length: HAND + 1 }, (_, joint) => angles[joint] as number))[HAND] as Frame;
  return sum(position, rotated(rotation, local));
}

/** Where the hand shall be. */
export interface InverseKinematicsOptions {
  /** Of the hand below the horizon, rad: lift + elbow + wrist. Default π/2, straight down. */
  readonly pitch?: number;
  /** Of the wrist, rad. Default 0. */
  readonly roll?: number;
  /** The point of the hand that shall be there, m. Default: the centre of a gripped cube. */
  readonly local?: readonly number[];
}

/** Joint angles that were found. */
export interface InverseKinematics {
  /** pan, lift, elbow, wrist, roll, rad. */
  readonly angles: readonly number[];
  /** Distance from the point that was asked for, m. */
  readonly error: number;
  /** Whether the wrist, which follows the others, is within its range. */
  readonly isWithinRange: boolean;
}

const OPTIONS = keysOf<InverseKinematicsOptions>({ pitch: true, roll: true, local: true });
const FARTHEST = 10;
const ITERATIONS = 200;
const STEP = 1e-6;
const MOST_PER_ITERATION = 0.3;

/**
 * Brings a point of the hand to a target, by damped least squares over pan, lift and elbow; the wrist keeps the pitch. Where the target is
 * out of reach, the nearest that was found, with its error.
 * @throws OptionError
 */
export function inverseKinematics(target: ArrayLike<number>, options: InverseKinematicsOptions = {}): InverseKinematics {
  const where = 'inverseKinematics';
  checkKeys(where, options, OPTIONS);
  const { pitch = Math.PI / 2, roll = 0, local = GRASP } = options;
  const angle = (name: string, value: number): void =>
    void checkNumber(where, name, value, 'an angle of at most 2π', (x) => Math.abs(x) <= 7);
  angle('pitch', pitch);
  angle('roll', roll);
  return solveReach(point(where, 'target', target), pitch, roll, point(where, 'local', local), [0, 0, 0, 1.5, 0]);
}

function point(where: string, name: string, values: ArrayLike<number>): number[] {
  const numbers = copyNumbers(values, 3, (found, index) => {
    const what = index === undefined ? '3 numbers, in metres' : `a finite number at ${index}`;
    return new OptionError(`${where}: ${name} must be ${what}, found ${found}.`);
  });
  // Beyond that, squares of distances say nothing any more.
  for (const value of numbers) checkNumber(where, name, value, `within ${FARTHEST} m`, (x) => Math.abs(x) <= FARTHEST);
  return Array.from(numbers);
}

/** The same, of checked numbers, from a first guess. */
export function solveReach(
  target: readonly number[],
  pitch: number,
  roll: number,
  local: readonly number[],
  guess: readonly number[],
): InverseKinematics {
  const [first] = ARM as readonly [ArmJoint];
  const angles = [...guess];
  angles[0] = -Math.atan2(target[1] as number, (target[0] as number) - first.offset[0]);
  angles[4] = roll;
  const wrist = ([, lift, elbow]: readonly number[]): number => pitch - (lift as number) - (elbow as number);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    angles[3] = wrist(angles);
    const found = handPoint(angles, local);
    const error = difference(target, found);
    const distance = Math.hypot(...error);
    if (distance < 1e-9) break;
    const jacobian = [0, 1, 2].map((joint) => {
      const moved = [...angles];
      moved[joint] = (moved[joint] as number) + STEP;
      moved[3] = wrist(moved);
      return difference(handPoint(moved, local), found).map((value) => value / STEP);
    });
    // (JᵀJ + λI) Δ = Jᵀe
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, value, i) => total + value * (b[i] as number), 0);
    const damping = (1e-7 + 1e-3 * distance) * 0.1;
    const normal = jacobian.map((a, i) => jacobian.map((b, k) => dot(a, b) + (i === k ? damping : 0)));
    const change = solve3(
      normal,
      jacobian.map((column) => dot(column, error)),
    );
    for (let joint = 0; joint < 3; joint++) {
      const limited = Math.max(-MOST_PER_ITERATION, Math.min(MOST_PER_ITERATION, change[joint] as number));
      angles[joint] = clampAngle((angles[joint] as number) + limited, joint);
    }
  }
  angles[3] = wrist(angles);
  const [low, high] = (ARM[3] as ArmJoint).range;
  return {
    angles,
    error: Math.hypot(...difference(target, handPoint(angles, local))),
    isWithinRange: (angles[3] as number) >= low && (angles[3] as number) <= high,
  };
}
