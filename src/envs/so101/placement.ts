import { seededRandom } from '../mujoco/random.js';
import { ARM, type ArmJoint, GRIPPER, HOME } from './arm-table.js';
import type { So101Goal } from './goals.js';

/** Where things are when an episode begins. */
export interface Placement {
  /** x, y in m, and the angle about the vertical in rad. */
  readonly cube: readonly [number, number, number];
  readonly goal: readonly [number, number, number];
  /** Joint angles, rad. */
  readonly arm: readonly number[];
}

/** The pan axis, as the published placements round it, m. */
const AXIS_X = 0.0388;
const RADIUS = [0.17, 0.27] as const;
const AZIMUTH = 0.75;
const SWAY = 0.03;

/** The placement of a seed: cube and goal in front of the arm and apart from each other, the arm near its home. */
export function drawPlacement(seed: number, goal: So101Goal): Placement {
  const random = seededRandom(seed * 7919 + 13);
  const uniform = (low: number, high: number): number => low + (high - low) * random();
  const place = (): [number, number] => {
    const radius = uniform(...RADIUS);
    const azimuth = uniform(-AZIMUTH, AZIMUTH);
    return [AXIS_X + radius * Math.cos(azimuth), radius * Math.sin(azimuth)];
  };
  let [cube, target] = [place(), place()];
  while (!(Math.hypot(cube[0] - target[0], cube[1] - target[1]) > goal.clearance)) [cube, target] = [place(), place()];
  const [yaw, goalYaw] = [uniform(-Math.PI / 4, Math.PI / 4), uniform(-Math.PI / 4, Math.PI / 4)];
  const arm = HOME.map((angle, joint) => angle + (joint === GRIPPER ? 0 : uniform(-SWAY, SWAY)));
  return { cube: [...cube, yaw], goal: [...target, goalYaw], arm: arm.map((angle, joint) => within(angle, ARM[joint] as ArmJoint)) };
}

function within(angle: number, { range: [low, high] }: ArmJoint): number {
  return Math.max(low, Math.min(high, angle));
}
