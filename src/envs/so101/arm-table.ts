import type { Capsule, Colour, Primitive } from '../mujoco/primitives.js';

type Triple = readonly [number, number, number];

/** A joint of the arm and the link behind it. Frames of links lie like the world's where all joints are at 0. */
export interface ArmJoint {
  /** LeRobot's name. */
  readonly name: string;
  readonly link: string;
  /** From the joint before, in its link's frame, m. */
  readonly offset: Triple;
  readonly axis: Triple;
  /** rad */
  readonly range: readonly [low: number, high: number];
  /** kg */
  readonly mass: number;
  /** Centre of mass from the joint, m. */
  readonly centre: Triple;
  /** About the centre of mass, along the axes, kg m². */
  readonly inertia: Triple;
}

/** The SO-101 with its zero in the middle of each range: arm up, forearm and hand forward along x. */
export const ARM: readonly ArmJoint[] = [
  {
    name: 'shoulder_pan',
    link: 'shoulder',
    offset: [0.0388353, 0, 0.0624],
    axis: [0, 0, -1],
    range: [-1.91986, 1.91986],
    mass: 0.1,
    centre: [0.0308, 0, 0.0253],
    inertia: [8.38e-5, 8.1e-5, 2.4e-5],
  },
  {
    name: 'shoulder_lift',
    link: 'upper_arm',
    offset: [0.0303992, -0.0182778, 0.0542],
    axis: [0, 1, 0],
    range: [-1.74533, 1.74533],
    mass: 0.103,
    centre: [0.0084, 0.0184, 0.0898],
    inertia: [1.473e-4, 1.425e-4, 4.08e-5],
  },
  {
    name: 'elbow_flex',
    link: 'forearm',
    offset: [0.028, 0, 0.11257],
    axis: [0, 1, 0],
    range: [-1.69, 1.69],
    mass: 0.104,
    centre: [0.0981, 0.0183, 0.0032],
    inertia: [2.87e-5, 1.453e-4, 1.598e-4],
  },
  {
    name: 'wrist_flex',
    link: 'wrist',
    offset: [0.1349, 0, 0.0052],
    axis: [0, 1, 0],
    range: [-1.65806, 1.65806],
    mass: 0.079,
    centre: [0.0386, 0.0281, 0.0001],
    inertia: [2.54e-5, 2.1e-5, 3.68e-5],
  },
  {
    name: 'wrist_roll',
    link: 'hand',
    offset: [0.0611, 0.0181, 0],
    axis: [-1, 0, 0],
    range: [-2.74385, 2.84121],
    mass: 0.087,
    centre: [0.0252, 0.0002, 0.0002],
    inertia: [3.45e-5, 4.34e-5, 2.75e-5],
  },
  {
    name: 'gripper',
    link: 'jaw',
    offset: [0.0234, 0.0177949, 0.0210911],
    axis: [0, -0.9988154, -0.0486597],
    range: [-0.174533, 1.74533],
    mass: 0.012,
    centre: [0.03, -0.0192, -0.0025],
    inertia: [1.9e-6, 5.3e-6, 6.6e-6],
  },
];

export const JOINTS = ARM.length;
export const GRIPPER = JOINTS - 1;
export const JOINT_NAMES: readonly string[] = ARM.map(({ name }) => name);

/** Half the edge of a cube, m. */
export const CUBE_HALF = 0.015;
/** The inner face of the fixed pad, in the hand. */
const PAD_FACE = -0.008;
/** Centre of a gripped cube, in the hand. */
export const GRASP: Triple = [0.092, 0, PAD_FACE + CUBE_HALF];
/** Frame of the fingertip, in the hand, as the robot's makers place it. */
export const TIP: Triple = [0.098127, 0.000167, -0.007901];

const YELLOW: Colour = [1, 0.82, 0.12];
const BLACK: Colour = [0.12, 0.12, 0.12];
const GREY: Colour = [0.25, 0.25, 0.27];

const box = (half: Triple, at: Triple, colour: Colour): Primitive => ({ kind: 'box', half, at, colour, material: 'link' });
const capsule = (radius: number, from: Triple, to: Triple, colour: Colour): Capsule => {
  return { kind: 'capsule', radius, from, to, at: [0, 0, 0], colour, material: 'link' };
};

/** Pads grip. Parallel when 30 mm are held, at a jaw of about 0.19 rad: a wedge would throw the cube across the room on release. */
const PAD_HALF: Triple = [0.016, 0.009, 0.003];
export const PAD_NAMES = ['pad_fixed', 'pad_jaw'] as const;

/** Of the base, then of the links in the order of the joints. */
export const BASE_SOLIDS: readonly Primitive[] = [
  { kind: 'box', half: [0.036, 0.03, 0.03], at: [0.012, 0, 0.03], colour: YELLOW, material: 'fixed' },
];
export const LINK_SOLIDS: readonly (readonly Primitive[])[] = [
  [box([0.028, 0.022, 0.018], [0.026, 0, 0.012], YELLOW), box([0.016, 0.03, 0.02], [0.03, 0, 0.045], BLACK)],
  [capsule(0.018, [0, 0.018, 0], [0.014, 0.018, 0.09], YELLOW), box([0.014, 0.026, 0.018], [0.022, 0.018, 0.108], BLACK)],
  [capsule(0.016, [0.01, 0.018, 0.001], [0.1, 0.018, 0.004], YELLOW), box([0.018, 0.026, 0.014], [0.122, 0.018, 0.005], BLACK)],
  [box([0.026, 0.022, 0.015], [0.034, 0.0185, 0], YELLOW)],
  [
    box([0.016, 0.015, 0.03], [0.022, 0, 0.002], BLACK),
    box([0.026, 0.011, 0.005], [0.056, 0, -0.02], YELLOW),
    { kind: 'box', half: PAD_HALF, at: [0.088, 0, PAD_FACE - 0.003], colour: GREY, material: 'pad', name: PAD_NAMES[0] },
  ],
  [
    capsule(0.006, [0.006, -0.0185, -0.001], [0.045, -0.0185, -0.006], YELLOW),
    { kind: 'box', half: PAD_HALF, at: [0.064, -0.0185, -0.0089], pitch: 0.19, colour: GREY, material: 'pad', name: PAD_NAMES[1] },
  ],
];

/** The arm folded back, the hand pointing down: where episodes begin and end, rad. */
export const HOME: readonly number[] = [0, -1.15, 0.85, 1.35, 0, 0.3];
