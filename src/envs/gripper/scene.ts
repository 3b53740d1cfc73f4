import { drawingBoard, drawingOf, type SolidBody, type ViewCamera } from '../mujoco/drawing/board.js';
import { drawingPicture } from '../mujoco/drawing/picture.js';
import { type Scene, type SceneAxis, sceneAxes } from '../scene.js';
import { actionNames } from './action.js';
import type { GripperGoal } from './goal.js';
import { FINGERS, ONE_HAND, PALM_SOLIDS, solidOf } from './hand.js';
import { TICK_RATE } from './mjcf.js';

const POSE = 7;
/** Pose of the hand, and its fingers. */
const HAND = POSE + FINGERS.length;

const CAMERAS: readonly ViewCamera[] = [
  { eye: [0.78, -0.22, 0.52], look: [0.14, 0, 0.07], fovy: 40 },
  { eye: [0.95, 0.3, 0.14], look: [0.14, 0, 0.12], fovy: 28 },
];

const pose = (of: string): SceneAxis[] => [
  ...sceneAxes(4, `${of} x`, `${of} y`, `${of} z`),
  ...sceneAxes(5, `${of} qw`, `${of} qx`, `${of} qy`, `${of} qz`),
];

/** The scene of a task: poses in m, targets as they are sent. */
export function gripperScene({ title, solved, things, fixtures, hands = ONE_HAND, cameras = CAMERAS, table }: GripperGoal): Scene {
  const still: SolidBody = { parent: -1, at: [0, 0, 0], solids: [] };
  const bodies: SolidBody[] = [
    ...hands.flatMap((plan, hand): SolidBody[] => [
      { ...still, pose: HAND * hand, solids: PALM_SOLIDS.map((solid) => solidOf(plan, solid)) },
      ...FINGERS.map(({ side, solid }, finger): SolidBody => {
        const value = HAND * hand + POSE + finger;
        return { parent: (1 + FINGERS.length) * hand, at: [0, 0, 0], shift: { axis: [0, side, 0], value }, solids: [solid] };
      }),
    ]),
    ...things.map(({ solids }, thing): SolidBody => ({ ...still, pose: HAND * hands.length + POSE * thing, solids })),
    ...fixtures.map(({ at, solids, layer }): SolidBody => ({ ...still, at, solids, ...(layer === undefined ? {} : { layer }) })),
  ];
  const stride = HAND * hands.length + POSE * things.length;
  const targets = actionNames(hands);
  const drawing = drawingOf({
    bodies,
    cameras,
    stride,
    targetStride: targets.length,
    ...(table ? { table } : {}),
    tracked: { body: 0, at: [0, 0, 0] },
    aim: [0, 1, 2].map((axis) => ({ from: axis, to: axis, gain: 1, offset: 0 })),
  });
  return {
    title,
    scoring: `1 where ${solved}, as soon as that is so; else 0. Scores are not comparable with those of the original: another arm, own geometry.`,
    tickRate: TICK_RATE,
    snapshot: [
      ...hands.flatMap(({ prefix }) => [...pose(`${prefix}hand`), ...sceneAxes(4, ...FINGERS.map(({ joint }) => `${prefix}${joint}`))]),
      ...things.flatMap(({ name }) => pose(name)),
    ],
    targets: sceneAxes(4, ...targets),
    board: drawingBoard(
      drawing,
      hands.length > 1
        ? 'The grippers from above and from the side; way and target are of the white one.'
        : 'The gripper from above and from the side.',
    ),
    describeReward: (reward) => (reward > 0 ? 'solved' : 'not solved'),
    picture: (snapshot) => drawingPicture(drawing, snapshot),
  };
}
