import type { Vector } from '../mujoco/rotations.js';
import { CUBE_HALF } from './arm-table.js';

/** What the cube is brought to. */
export interface So101Goal {
  /** Of the task. */
  readonly task: So101TaskName;
  /** Body of the model. */
  readonly body: string;
  readonly xml: string;
  /** Whether it is a cube that can be pushed, or stands still while an episode runs. */
  readonly isFree: boolean;
  /** Height of its centre at the reset, and of its upper side, m. */
  readonly height: number;
  readonly top: number;
  /** Least distance from the cube at the reset, m. */
  readonly clearance: number;
  /** Where the hand hovers before it goes down, m above the table. */
  readonly hover: number;
  /** Whether the cube's faces are to lie along its own. */
  readonly isAligned: boolean;
  /** Whether the cube lies where it belongs: centres in the world, m. */
  isPlaced(cube: Vector, goal: Vector): boolean;
}

export type So101TaskName = 'so101-pick-place' | 'so101-stack-cube';

export const PLATE = { radius: 0.05, halfHeight: 0.004 };
const TOLERANCE = 0.004;
const apart = (cube: Vector, goal: Vector): number =>
  Math.hypot((cube[0] as number) - (goal[0] as number), (cube[1] as number) - (goal[1] as number));

const PICK_PLACE: So101Goal = {
  task: 'so101-pick-place',
  body: 'plate',
  xml:
    `<body name="plate" mocap="true" pos=".2 -.1 ${PLATE.halfHeight}"><geom name="plate" type="cylinder" ` +
    `size="${PLATE.radius} ${PLATE.halfHeight}" rgba=".95 .55 .70 1" class="object"/></body>`,
  isFree: false,
  height: PLATE.halfHeight,
  top: 2 * PLATE.halfHeight,
  clearance: 0.095,
  hover: 0.065,
  isAligned: false,
  isPlaced: (cube, plate) => apart(cube, plate) < 0.045 && Math.abs((cube[2] as number) - (2 * PLATE.halfHeight + CUBE_HALF)) < TOLERANCE,
};

const STACK_CUBE: So101Goal = {
  task: 'so101-stack-cube',
  body: 'base_cube',
  xml:
    `<body name="base_cube" pos=".2 -.1 ${CUBE_HALF}"><freejoint/><geom name="base_cube" type="box" ` +
    `size="${CUBE_HALF} ${CUBE_HALF} ${CUBE_HALF}" mass=".02" rgba=".95 .45 .65 1" class="object"/></body>`,
  isFree: true,
  height: CUBE_HALF,
  top: 2 * CUBE_HALF,
  clearance: 0.07,
  hover: 0.075,
  isAligned: true,
  isPlaced: (cube, base) => apart(cube, base) < 0.015 && Math.abs((cube[2] as number) - (base[2] as number) - 2 * CUBE_HALF) < TOLERANCE,
};

export const SO101_GOALS: ReadonlyMap<string, So101Goal> = new Map([PICK_PLACE, STACK_CUBE].map((goal) => [goal.task, goal]));
/** The tasks of the SO-101, by name. */
export const SO101_TASKS = ['so101-pick-place', 'so101-stack-cube'] as const satisfies readonly So101TaskName[];
