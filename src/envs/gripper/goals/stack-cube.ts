import { yawOf } from '../../mujoco/rotations.js';
import { liftPhase, pickPhases, placePhases } from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import type { GripperPose } from '../world.js';
import { CUBE_HALF, cube } from './cube.js';

/** ManiSkill's StackCube: half a diagonal and 5 mm to the side, 5 mm in height; slower than 1 cm/s and 0.5 rad/s; let go. */
const ASIDE = Math.hypot(CUBE_HALF, CUBE_HALF) + 0.005;
const HEIGHT_ERROR = 0.005;
const STILL = { linear: 0.01, angular: 0.5 };
/** Between the cubes when an episode begins: room for an open finger. */
const APART = 0.09;

export const STACK_CUBE: GripperGoal = {
  task: 'stack-cube',
  title: 'StackCube, in the manner of ManiSkill',
  words: 'Stack the red cube on the green cube.',
  solved: 'the red cube lies on the green one (33&nbsp;mm to the side, 5&nbsp;mm in height), still, and is not held',
  things: [cube('cube', [0.85, 0.2, 0.16]), { ...cube('base_cube', [0.25, 0.62, 0.3]), staysDown: true }],
  fixtures: [],
  place: (uniform) => {
    const draw = (): [number, number] => [uniform(0.05, 0.25), uniform(-0.15, 0.15)];
    let [a, b] = [draw(), draw()];
    while (!(Math.hypot(a[0] - b[0], a[1] - b[1]) > APART)) [a, b] = [draw(), draw()];
    return [a, b].map((at) => ({ position: [...at, CUBE_HALF], yaw: uniform(-Math.PI, Math.PI) }));
  },
  isSolved: (world) => {
    const [upper, lower] = world.things as [GripperPose, GripperPose];
    const [dx, dy, dz] = upper.position.map((value, i) => value - (lower.position[i] as number)) as [number, number, number];
    if (Math.hypot(dx, dy) > ASIDE || Math.abs(dz - 2 * CUBE_HALF) > HEIGHT_ERROR) return false;
    const { linear, angular } = world.speed(0);
    return linear <= STILL.linear && angular <= STILL.angular && !world.isGrasped(0);
  },
  phases: [
    ...pickPhases({ thing: 0, hover: 0.12, height: 0.02, at: [0, 0], period: Math.PI / 2 }),
    liftPhase(0.14),
    ...placePhases({
      thing: 0,
      to: ({ things }) => {
        const { position, rotation } = things[1] as GripperPose;
        const [x, y, z] = position as [number, number, number];
        return { position: [x, y, z + 2 * CUBE_HALF + 0.002], yaw: yawOf(rotation) };
      },
      period: Math.PI / 2,
      carry: 0.12,
      grip: -1,
    }),
  ],
};
