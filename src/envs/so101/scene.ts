import { drawingBoard, drawingOf, type SolidBody } from '../mujoco/drawing/board.js';
import { drawingPicture } from '../mujoco/drawing/picture.js';
import type { Colour } from '../mujoco/primitives.js';
import { type Scene, sceneAxes } from '../scene.js';
import { ARM, BASE_SOLIDS, CUBE_HALF, GRASP, GRIPPER, JOINT_NAMES, JOINTS, LINK_SOLIDS } from './arm-table.js';
import { PLATE, type So101TaskName } from './goals.js';
import { TICK_RATE } from './mjcf.js';

const BLUE: Colour = [0.15, 0.35, 0.85];
const PINK: Colour = [0.95, 0.55, 0.7];
const POSE = 7;
const pose = (of: string) => [
  ...sceneAxes(4, `${of} x`, `${of} y`, `${of} z`),
  ...sceneAxes(5, `${of} qw`, `${of} qx`, `${of} qy`, `${of} qz`),
];
const cube = (colour: Colour) => {
  return { kind: 'box', half: [CUBE_HALF, CUBE_HALF, CUBE_HALF], at: [0, 0, 0], colour, material: 'object' } as const;
};

/** The arm hangs on its base, joint by joint; cube and goal are where the snapshot says. */
const ARM_BODIES: readonly SolidBody[] = [
  { parent: -1, at: [0, 0, 0], solids: BASE_SOLIDS },
  ...ARM.map(({ offset, axis }, joint): SolidBody => {
    return { parent: joint, at: offset, turn: { axis, value: joint }, solids: LINK_SOLIDS[joint] ?? [] };
  }),
  { parent: -1, at: [0, 0, 0], pose: JOINTS, solids: [cube(BLUE)] },
];
const PLATE_BODY: SolidBody = {
  parent: -1,
  at: [0, 0, 0],
  pose: JOINTS + POSE,
  layer: 0,
  solids: [{ kind: 'cylinder', ...PLATE, at: [0, 0, 0], colour: PINK, material: 'object' }],
};
const BASE_CUBE_BODY: SolidBody = { parent: -1, at: [0, 0, 0], pose: JOINTS + POSE, solids: [cube(PINK)] };

/** Names and looks of the tasks. */
const TEXTS: Readonly<
  Record<So101TaskName, { readonly title: string; readonly goal: string; readonly body: SolidBody; readonly placed: string }>
> = {
  'so101-pick-place': { title: 'SO-101, cube on plate', goal: 'plate', body: PLATE_BODY, placed: 'stood on the plate' },
  'so101-stack-cube': { title: 'SO-101, cube on cube', goal: 'base cube', body: BASE_CUBE_BODY, placed: 'stood on the pink one' },
};

/** The scene of a task: joint angles in rad and poses in m; targets in LeRobot's units. */
export function so101Scene(task: So101TaskName): Scene {
  const { title, goal, body, placed } = TEXTS[task];
  const drawing = drawingOf({
    bodies: [...ARM_BODIES, body],
    cameras: [
      { eye: [0.5, -0.1, 0.46], look: [0.13, 0, 0.06], fovy: 44 },
      { eye: [0.16, -0.62, 0.22], look: [0.13, 0, 0.1], fovy: 36 },
    ],
    stride: JOINTS + 2 * POSE,
    targetStride: JOINTS,
    // The hand: one before the jaw among the joints, and the base comes first.
    tracked: { body: GRIPPER, at: GRASP },
    aim: ARM.map(({ range: [low, high] }, joint) => {
      const isJaw = joint === GRIPPER;
      return {
        from: joint,
        to: joint,
        gain: (high - low) / (isJaw ? 100 : 200),
        offset: isJaw ? low : (low + high) / 2,
      };
    }),
  });
  return {
    title,
    scoring:
      `the share of ten ticks in a row in which the blue cube ${placed}, upright, untouched and slower than 1&nbsp;cm/s; an episode is a ` +
      'success where all ten were so.',
    tickRate: TICK_RATE,
    snapshot: [...sceneAxes(4, ...JOINT_NAMES), ...pose('cube'), ...pose(goal)],
    targets: sceneAxes(3, ...JOINT_NAMES),
    board: drawingBoard(drawing, 'The arm from above and from the side.'),
    describeReward: (reward) => `placed for ${Math.round(10 * reward)} of 10 ticks`,
    picture: (snapshot) => drawingPicture(drawing, snapshot),
  };
}
