import type { Colour, Primitive } from '../../mujoco/primitives.js';
import { sum, type Vector, wrapped, yawOf } from '../../mujoco/rotations.js';
import {
  atHeight,
  byHand,
  CLOSED,
  type ExpertPhase,
  gripPhase,
  type HandTarget,
  liftPhase,
  OPEN,
  pickPhases,
  placePhases,
  together,
} from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import type { HandPlan } from '../hand.js';
import { turned } from '../rotation-6d.js';
import type { GripperPose, GripperWorld } from '../world.js';
import { BIN_EDGE, BIN_FLOOR, BIN_RIM, type Bin, BOARD, binFixtures, CHOSEN, floorNames } from './bin.js';

const [LID, HAMMER, TRASH] = [0, 1, 2];
/** Neither hand reaches what the other one has to do. */
const HANDS: readonly HandPlan[] = [
  {
    prefix: '',
    home: [0.15, -0.2, 0.25],
    workspace: [
      [-0.1, 0.4],
      [-0.46, 0.08],
      [0.01, 0.4],
    ],
  },
  {
    prefix: 'other_',
    home: [0.15, 0.2, 0.25],
    workspace: [
      [-0.1, 0.4],
      [-0.08, 0.34],
      [0.01, 0.4],
    ],
  },
];

const same = (colour: Colour): Bin['floors'] => [colour, colour, colour, colour];
const START: Bin = { name: 'bin_start', at: [0.15, -0.17], half: [0.13, 0.085], floors: same(BOARD) };
const TARGET: Bin = { name: 'bin_target', at: [0.22, 0.2], half: [0.13, 0.085], floors: same(CHOSEN) };
const TRASH_BIN: Bin = { name: 'bin_trash', at: [-0.02, 0.2], half: [0.065, 0.085], floors: same([0.72, 0.52, 0.48]) };

/** Lies on the walls of its bin; its handle is along x. Half sizes, m. */
const LID_PLATE = [START.half[0] + BIN_RIM, START.half[1] + BIN_RIM, 0.004] as const;
const LID_HANDLE = { half: [0.025, 0.008, 0.015], z: 0.019 } as const;
/** Its feet, above the walls: a plate on walls of many pieces touches them in so many points that a tick takes four times as long. */
const FOOT = { radius: 0.004, half: 0.006, z: -0.002, x: START.half[0] - 0.01, y: START.half[1] + BIN_RIM / 2 };
/** Of the middle of its plate over what it stands on, m. */
const LID_STANDS = FOOT.radius - FOOT.z;
const LID_AT = [...START.at, BIN_EDGE + LID_STANDS];
/** Where the lid is put down. */
const LID_ASIDE = [0.12, -0.37, LID_STANDS + 0.002];

/** A handle along x, as high as the head that lies across its end. m */
const HANDLE = { half: [0.075, 0.008, 0.012], x: -0.015 } as const;
const HEAD = { radius: 0.012, x: 0.07, half: 0.022 };
/** Where on the handle the first hand takes it, and the other one. */
const NEAR_HEAD = 0.035;
const NEAR_END = -0.07;
/** Where it is handed over, its handle along x. */
const HAND_OVER = [0.15, 0, 0.2];

const TRASH_HALF = 0.018;

/** The middle of what lies in a bin. */
function inBin({ at }: Bin, halfHeight: number, dx = 0, dy = 0): Vector {
  return [at[0] + dx, at[1] + dy, BIN_FLOOR + halfHeight];
}

/** A short capsule along x. */
function foot(x: number, y: number): Primitive {
  const [from, to] = [-FOOT.half, FOOT.half].map((along): [number, number, number] => [x + along, y, FOOT.z]) as [
    [number, number, number],
    [number, number, number],
  ];
  return { kind: 'capsule', radius: FOOT.radius, from, to, at: [0, 0, 0], colour: [0.3, 0.24, 0.2], material: 'object' };
}

/** To where the other hand waits beside the first one, which holds the hammer; `above`: over it, m. */
function takingFrom(world: GripperWorld, above: number): HandTarget {
  const { position, rotation } = world.things[HAMMER] as GripperPose;
  const yaw = wrapped(yawOf(rotation), Math.PI);
  const at = sum(position, turned([NEAR_END, 0, above], yaw));
  return { position: at, yaw, tilt: [0, 0], grip: OPEN };
}

/** Of both hands: the lid to one side, what does not belong there to the other bin. */
const CLEAR = together(
  [
    ...pickPhases({ thing: LID, hover: 0.16, height: BIN_EDGE + LID_STANDS + LID_HANDLE.z, at: [0, 0], period: Math.PI }),
    liftPhase(0.2),
    ...placePhases({ thing: LID, to: () => ({ position: LID_ASIDE, yaw: 0 }), period: Math.PI, carry: 0.13, grip: OPEN }),
  ],
  byHand(1, [
    ...pickPhases({ thing: TRASH, hover: 0.14, height: BIN_FLOOR + TRASH_HALF, at: [0, 0], period: Math.PI / 2 }),
    liftPhase(0.16),
    ...placePhases({
      thing: TRASH,
      to: () => ({ position: inBin(TRASH_BIN, TRASH_HALF + 0.004), yaw: 0 }),
      period: Math.PI / 2,
      carry: 0.13,
      grip: OPEN,
    }),
  ]),
);

/** The first hand fetches the hammer and holds it out: transport and alignment, without letting go. */
const FETCH: readonly ExpertPhase[] = [
  ...pickPhases({
    thing: HAMMER,
    hover: 0.14,
    height: BIN_FLOOR + HANDLE.half[2],
    at: [NEAR_HEAD, 0],
    period: Math.PI,
  }),
  liftPhase(0.2),
  ...placePhases({
    thing: HAMMER,
    to: () => ({ position: HAND_OVER, yaw: 0 }),
    period: 2 * Math.PI,
    carry: HAND_OVER[2] as number,
    grip: OPEN,
  }).slice(0, 2),
];

const TAKE: readonly ExpertPhase[] = [
  ...byHand(1, [
    { name: 'reach', ticks: 20, hold: 4, aim: (world) => takingFrom(world, 0.09) },
    { name: 'reach down', ticks: 10, hold: 6, isPaused: true, aim: (world) => takingFrom(world, 0) },
    gripPhase('take', CLOSED),
  ]),
  gripPhase('let go', OPEN, 6),
  { name: 'withdraw', ticks: 14, hold: 2, aim: (_, last) => atHeight(last, (HAND_OVER[2] as number) + 0.12) },
];

export const TRANSPORT: GripperGoal = {
  task: 'transport',
  title: 'Transport, in the manner of RoboMimic',
  words: 'Open the bin, hand the hammer over and put it into the green bin, and what lies there into the red one.',
  solved: 'the hammer touches the floor of the green bin, and the cube that of the red one',
  hands: HANDS,
  maxTicks: 700,
  cameras: [
    { eye: [1, -0.24, 0.62], look: [0.14, -0.08, 0.05], fovy: 42 },
    { eye: [1.15, 0.16, 0.24], look: [0.14, -0.08, 0.14], fovy: 36 },
  ],
  table: [
    [-0.14, -0.5],
    [0.42, -0.5],
    [0.42, 0.34],
    [-0.14, 0.34],
  ],
  things: [
    {
      name: 'lid',
      // It does not turn but for noise.
      symmetry: 0,
      solids: [
        { kind: 'box', half: LID_PLATE, at: [0, 0, 0], colour: [0.55, 0.44, 0.34], material: 'object', name: 'lid_plate' },
        { kind: 'box', half: LID_HANDLE.half, at: [0, 0, LID_HANDLE.z], colour: [0.3, 0.24, 0.2], material: 'object', name: 'lid_handle' },
        ...[-1, 1].flatMap((sx) => [-1, 1].map((sy) => foot(sx * FOOT.x, sy * FOOT.y))),
      ],
    },
    {
      name: 'hammer',
      symmetry: 1,
      solids: [
        { kind: 'box', half: HANDLE.half, at: [HANDLE.x, 0, 0], colour: [0.85, 0.62, 0.3], material: 'object', name: 'hammer_handle' },
        {
          kind: 'capsule',
          radius: HEAD.radius,
          from: [HEAD.x, -HEAD.half, 0],
          to: [HEAD.x, HEAD.half, 0],
          at: [0, 0, 0],
          colour: [0.42, 0.47, 0.55],
          material: 'object',
          name: 'hammer_head',
        },
      ],
    },
    {
      name: 'trash',
      symmetry: 4,
      solids: [
        {
          kind: 'box',
          half: [TRASH_HALF, TRASH_HALF, TRASH_HALF],
          at: [0, 0, 0],
          colour: [0.85, 0.2, 0.16],
          material: 'object',
          name: 'trash',
        },
      ],
    },
  ],
  fixtures: [...binFixtures(START), ...binFixtures(TARGET, true), ...binFixtures(TRASH_BIN, true)],
  place: (uniform) => [
    { position: LID_AT, yaw: 0 },
    { position: inBin(START, HANDLE.half[2], uniform(-0.02, 0.02), uniform(-0.015, 0.015)), yaw: uniform(-0.25, 0.25) },
    { position: inBin(TARGET, TRASH_HALF, uniform(-0.06, 0.06), uniform(-0.015, 0.015)), yaw: uniform(-Math.PI, Math.PI) },
  ],
  // robosuite's TwoArmTransport: both touch the floors of their bins, held or not.
  isSolved: (world) =>
    floorNames(TARGET).some((floor) => world.touches(['hammer_handle', 'hammer_head'], floor)) &&
    floorNames(TRASH_BIN).some((floor) => world.touches(['trash'], floor)),
  phases: [
    ...CLEAR,
    ...FETCH,
    ...TAKE,
    ...byHand(
      1,
      placePhases({
        thing: HAMMER,
        to: () => ({ position: inBin(TARGET, HANDLE.half[2] + 0.002), yaw: 0 }),
        period: 2 * Math.PI,
        carry: 0.18,
        grip: OPEN,
      }),
    ),
  ],
};
