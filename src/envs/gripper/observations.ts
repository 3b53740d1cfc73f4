import { difference, yawOf } from '../mujoco/rotations.js';
import type { GripperGoal, Thing } from './goal.js';
import { type HandPlan, ONE_HAND } from './hand.js';
import { toRotation6d } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

const POSITION = ['x', 'y', 'z'];
const ROTATION = ['r11', 'r12', 'r13', 'r21', 'r22', 'r23'];
const STATE = [...POSITION, ...ROTATION, 'finger_left', 'finger_right'];

/** Names of what is observed of these hands, one after the other. */
export function stateNames(hands: readonly HandPlan[]): string[] {
  return hands.flatMap(({ prefix }) => STATE.map((name) => `${prefix}${name}`));
}

/** Names of what is observed of the things of a task. */
export function thingNames({ things, hands = ONE_HAND, observed }: GripperGoal): readonly string[] {
  if (observed) return observed.names;
  const turn = ({ symmetry, isTilted }: Thing): string[] => {
    const times = symmetry === 1 ? '' : String(symmetry);
    if (isTilted) return ROTATION;
    return symmetry === 0 ? [] : [`cos${times}yaw`, `sin${times}yaw`];
  };
  const fromHands = hands.flatMap(({ prefix }) => POSITION.map((axis) => `from_${prefix}hand_${axis}`));
  return things.flatMap((thing) =>
    [...POSITION.slice(0, thing.staysDown ? 2 : 3), ...turn(thing), ...fromHands].map((value) => `${thing.name}.${value}`),
  );
}

/** Of each hand: position (3), the first two rows of its rotation (6), and how far its fingers are open (2), m. [11 of each] */
export function observeHands(hands: readonly (GripperPose & { readonly fingers: readonly number[] })[]): number[] {
  return hands.flatMap(({ position, rotation, fingers }) => [...position, ...toRotation6d(rotation), ...fingers]);
}

/**
 * Of each thing: position (3; 2 where it stays on the table), cosine and sine of its angle about the vertical times its symmetry (2; none where any
 * angle looks the same; of what is tilted, two rows of its rotation, 6), and how it lies from each hand along the world's axes (3), m. What is the same in all demonstrations but for noise,
 * tilt and the height of what stays down, is left out.
 */
export function observeThings({ things, observed }: GripperGoal, world: GripperWorld): number[] {
  if (observed) return observed.of(world);
  const hands = world.hands.map(({ position }) => position);
  return world.things.flatMap(({ position, rotation }, i) => {
    const { symmetry, staysDown, isTilted } = things[i] as Thing;
    const angle = symmetry * yawOf(rotation);
    const turn = symmetry === 0 ? [] : [Math.cos(angle), Math.sin(angle)];
    const fromHands = hands.flatMap((hand) => difference(position, hand));
    return [...position.slice(0, staysDown ? 2 : 3), ...(isTilted ? toRotation6d(rotation) : turn), ...fromHands];
  });
}
