import type { Rotation, Vector } from '../mujoco/rotations.js';

/** A body in the world: metres, rotation row-major [9]. */
export interface GripperPose {
  readonly position: Vector;
  readonly rotation: Rotation;
}

/** The present, as rules and experts see it. */
export interface GripperWorld {
  /** The first one. */
  readonly hand: GripperPose;
  readonly hands: readonly GripperPose[];
  /** Of the things that move, in the task's order. */
  readonly things: readonly GripperPose[];
  /** How far a thing on a hinge is turned, rad; 0 for others. */
  turnOf(thing: number): number;
  /** Of a thing: m/s and rad/s; of one on a hinge the latter, of one that is placed none. */
  speed(thing: number): { readonly linear: number; readonly angular: number };
  /** Whether both pads of a hand touch a thing: those of its solids that have a name. */
  isGrasped(thing: number): boolean;
  /** Whether any pad of any hand does. */
  isTouched(thing: number): boolean;
  /** Whether one of these solids of the model touches that one, by name. */
  touches(solids: readonly string[], other: string): boolean;
}
