import type { Colour, Primitive } from '../../mujoco/primitives.js';
import type { Thing } from '../goal.js';

/** A faucet of one of the families: the handle that turns on its post, which stands where an episode puts it. */
export interface Faucet {
  readonly name: string;
  readonly handle: readonly Primitive[];
  /** What the handle turns about, upright (z) or y, in the frame of the post, whose origin is on that axis. */
  readonly axis: readonly [number, number, number];
  /** rad */
  readonly range: number;
  /** Where the handle is gripped, in its frame. */
  readonly grip: readonly [number, number, number];
}

const CHROME: Colour = [0.62, 0.66, 0.72];
const HANDLE: Colour = [0.2, 0.45, 0.8];
const SPOUT: Colour = [0.5, 0.54, 0.6];
const DAMPING = 0.5;
const FRICTION = 0.1;
/** Of the axes over the table, m. */
export const HEIGHT = 0.11;

const box = (half: readonly [number, number, number], at: readonly [number, number, number], colour: Colour): Primitive => {
  return { kind: 'box', half, at, colour, material: 'object' };
};
const rod = (from: readonly [number, number, number], to: readonly [number, number, number], radius: number, colour: Colour): Primitive => {
  return { kind: 'capsule', radius, from, to, at: [0, 0, 0], colour, material: 'object' };
};

/** A post with its spout: that of every family. */
const POST: readonly Primitive[] = [
  {
    kind: 'cylinder',
    radius: 0.018,
    halfHeight: (HEIGHT - 0.02) / 2,
    at: [0, 0, -0.02 - (HEIGHT - 0.02) / 2],
    colour: CHROME,
    material: 'object',
  },
  rod([0, 0, -0.05], [0.09, 0, -0.06], 0.01, SPOUT),
];

/** Families of handles, all of our own geometry: a lever over the post, a bar across it, and a lever at its side that is pulled down. */
export const FAUCETS: readonly Faucet[] = [
  {
    name: 'lever',
    handle: [
      { kind: 'cylinder', radius: 0.014, halfHeight: 0.012, at: [0, 0, 0], colour: HANDLE, material: 'object' },
      box([0.007, 0.045, 0.009], [0, -0.045, 0], HANDLE),
    ],
    axis: [0, 0, 1],
    range: Math.PI / 2,
    grip: [0, -0.065, 0],
  },
  {
    name: 'bar',
    handle: [box([0.01, 0.01, 0.012], [0, 0, -0.005], HANDLE), rod([0, -0.03, 0.018], [0, 0.03, 0.018], 0.008, HANDLE)],
    axis: [0, 0, 1],
    range: Math.PI / 2,
    grip: [0, 0, 0.018],
  },
  {
    name: 'side lever',
    handle: [rod([0, -0.022, 0], [0, -0.04, 0], 0.009, HANDLE), box([0.007, 0.007, 0.04], [0, -0.04, 0.04], HANDLE)],
    axis: [0, 1, 0],
    range: 1.2,
    grip: [0, -0.04, 0.062],
  },
];

/** Posts and handles as things, a post before its handle. */
export const FAUCET_THINGS: readonly Thing[] = FAUCETS.flatMap((faucet, family): Thing[] => {
  const name = faucet.name.replace(' ', '_');
  return [
    { name: `${name}_post`, symmetry: 1, isPlaced: true, solids: POST },
    {
      name: `${name}_handle`,
      symmetry: 1,
      solids: faucet.handle,
      hinge: { on: 2 * family, axis: faucet.axis, range: faucet.range, damping: DAMPING, friction: FRICTION },
    },
  ];
});
