import type { Rotation, Vector } from '../mujoco/rotations.js';

/** A body in the world: metres, rotation row-major [9]. */
export interface GripperPose {
  readonly position: Vector;
  readonly rotation: Rotation;
}

/** The present, as rules and experts see it. */
export interface GripperWorld {
  readonly hand: GripperPose;
  /** Of the things that move, in the task's order. */
  readonly things: readonly GripperPose[];
  /** Of a thing: m/s and rad/s. */
  speed(thing: number): { readonly linear: number; readonly angular: number };
  /** Whether both pads touch a thing: those of its solids that have a name. */
  isGrasped(thing: number): boolean;
}
