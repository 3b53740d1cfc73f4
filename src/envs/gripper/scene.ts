import { drawingBoard, drawingOf, type SolidBody } from '../mujoco/drawing/board.js';
import { drawingPicture } from '../mujoco/drawing/picture.js';
import { type Scene, type SceneAxis, sceneAxes } from '../scene.js';
import { ACTION_DIM, ACTION_NAMES } from './action.js';
import type { GripperGoal } from './goal.js';
import { FINGERS, PALM_SOLIDS } from './hand.js';
import { TICK_RATE } from './mjcf.js';

const POSE = 7;
/** Pose of the hand, and its fingers. */
const HAND = POSE + FINGERS.length;

const pose = (of: string): SceneAxis[] => [
  ...sceneAxes(4, `${of} x`, `${of} y`, `${of} z`),
  ...sceneAxes(5, `${of} qw`, `${of} qx`, `${of} qy`, `${of} qz`),
];

/** The scene of a task: poses in m, targets as they are sent. */
export function gripperScene({ title, solved, things, fixtures }: GripperGoal): Scene {
  const still: SolidBody = { parent: -1, at: [0, 0, 0], solids: [] };
  const bodies: SolidBody[] = [
    { ...still, pose: 0, solids: PALM_SOLIDS },
    ...FINGERS.map(({ side, solid }, finger): SolidBody => {
      return { parent: 0, at: [0, 0, 0], shift: { axis: [0, side, 0], value: POSE + finger }, solids: [solid] };
    }),
    ...things.map(({ solids }, thing): SolidBody => ({ ...still, pose: HAND + POSE * thing, solids })),
    ...fixtures.map(({ at, solids, layer }): SolidBody => ({ ...still, at, solids, ...(layer === undefined ? {} : { layer }) })),
  ];
  const stride = HAND + POSE * things.length;
  const drawing = drawingOf({
    bodies,
    cameras: [
      { eye: [0.78, -0.22, 0.52], look: [0.14, 0, 0.07], fovy: 40 },
      { eye: [0.95, 0.3, 0.14], look: [0.14, 0, 0.12], fovy: 28 },
    ],
    stride,
    targetStride: ACTION_DIM,
    tracked: { body: 0, at: [0, 0, 0] },
    aim: [0, 1, 2].map((axis) => ({ from: axis, to: axis, gain: 1, offset: 0 })),
  });
  return {
    title,
    scoring: `1 where ${solved}, as soon as that is so; else 0. Scores are not comparable with those of the original: another arm, own geometry.`,
    tickRate: TICK_RATE,
    snapshot: [...pose('hand'), ...sceneAxes(4, ...FINGERS.map(({ joint }) => joint)), ...things.flatMap(({ name }) => pose(name))],
    targets: sceneAxes(4, ...ACTION_NAMES),
    board: drawingBoard(drawing, 'The gripper from above and from the side.'),
    describeReward: (reward) => (reward > 0 ? 'solved' : 'not solved'),
    picture: (snapshot) => drawingPicture(drawing, snapshot),
  };
}
