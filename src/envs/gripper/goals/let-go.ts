import type { GripperPose, GripperWorld } from '../world.js';

/** robosuite: 1 − tanh(10 d) < 0.6 for the distance of hand and thing. */
const LEAST_DISTANCE = Math.atanh(0.4) / 10;

/** Whether the hand is more than 42 mm away from the centre of a thing. */
export function hasLetGo({ hand, things }: GripperWorld, thing: number): boolean {
  const { position } = things[thing] as GripperPose;
  return Math.hypot(...position.map((value, i) => value - (hand.position[i] as number))) > LEAST_DISTANCE;
}
