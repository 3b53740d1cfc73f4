import type { Colour, Primitive } from '../mujoco/primitives.js';
import type { Vector } from '../mujoco/rotations.js';

/**
 * A parallel gripper that floats: three slides and three hinges move it, two more slides its fingers. Its origin is between the finger
 * tips; at rotation 1 it points down, and its fingers close along y.
 */
const DARK: Colour = [0.16, 0.17, 0.2];
const LIGHT: Colour = [0.86, 0.87, 0.9];
const PAD: Colour = [0.33, 0.34, 0.38];

/** Of the hand without its fingers. */
export const PALM_SOLIDS: readonly Primitive[] = [
  { kind: 'box', half: [0.02, 0.05, 0.02], at: [0, 0, 0.07], colour: LIGHT, material: 'hand' },
  { kind: 'cylinder', radius: 0.024, halfHeight: 0.03, at: [0, 0, 0.12], colour: DARK, material: 'fixed' },
];

/** Which way a finger opens along y, and its solid. Closed, both inner faces are in the middle. */
export const FINGERS = ([1, -1] as const).map((side) => {
  const name = side === 1 ? 'pad_left' : 'pad_right';
  const solid: Primitive = { kind: 'box', half: [0.009, 0.004, 0.03], at: [0, 0.004 * side, 0.02], colour: PAD, material: 'pad', name };
  return { side, name, solid, joint: side === 1 ? 'finger_left' : 'finger_right' };
});

/** How far each finger opens, m. */
export const FINGER_TRAVEL = 0.04;
/** Slides along x, y, z, then hinges about z, y, x, from the world inwards. */
export const SLIDES = ['hand_x', 'hand_y', 'hand_z'] as const;
export const HINGES = ['hand_yaw', 'hand_pitch', 'hand_roll'] as const;

/** A hand in a task. */
export interface HandPlan {
  /** Before the names of its joints and solids in the model: none for the first hand. */
  readonly prefix: '' | 'other_';
  /** Where it is when an episode begins, but for chance, m. */
  readonly home: Vector;
  /** Where commands may lead it, m: low and high along x, y, z. Beyond that they are clamped. */
  readonly workspace: readonly (readonly [low: number, high: number])[];
}

/** What most tasks are done with. */
export const ONE_HAND: readonly HandPlan[] = [
  {
    prefix: '',
    home: [0.15, 0, 0.25],
    workspace: [
      [-0.1, 0.4],
      [-0.32, 0.32],
      [0.01, 0.4],
    ],
  },
];

/** Of a second hand: what it is made of touches the first one. */
const OTHER_LIGHT: Colour = [0.66, 0.76, 0.9];

/** A solid of the hand as one of this hand: with names and classes of its own. */
export function solidOf({ prefix }: HandPlan, solid: Primitive): Primitive {
  if (prefix === '') return solid;
  const { name, material, colour } = solid;
  return {
    ...solid,
    material: material === 'fixed' ? material : `${prefix}${material}`,
    colour: colour === LIGHT ? OTHER_LIGHT : colour,
    ...(name === undefined ? {} : { name: `${prefix}${name}` }),
  };
}
