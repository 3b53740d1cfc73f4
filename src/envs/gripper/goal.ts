import type { Primitive } from '../mujoco/primitives.js';
import type { Vector } from '../mujoco/rotations.js';
import type { ExpertPhase } from './expert-phases.js';
import type { GripperWorld } from './world.js';

export type GripperTaskName = 'lift' | 'can' | 'square' | 'stack-cube';

/** A body that can be moved. */
export interface Thing {
  readonly name: string;
  readonly solids: readonly Primitive[];
  /** How often it looks the same in a turn about the vertical: 4 for a cube; 0 for what always does. */
  readonly symmetry: number;
  /** Whether it stays on the table: its height is not observed then, only how it lies from the hand. */
  readonly staysDown?: boolean;
}

/** A body that cannot. */
export interface Fixture {
  readonly name: string;
  readonly solids: readonly Primitive[];
  readonly at: readonly [number, number, number];
  /** 0 for what lies flat on the table, for replays. */
  readonly layer?: number;
}

/** Where a thing is when an episode begins. */
export interface ThingStart {
  readonly position: Vector;
  readonly yaw: number;
}

/** A task of the floating gripper: what lies there, what is wanted, and how somebody who knows does it. */
export interface GripperGoal {
  readonly task: GripperTaskName;
  readonly title: string;
  /** What is asked for. */
  readonly words: string;
  /** When it is solved, for the reader of a report: the end of "1 where …". Markup. */
  readonly solved: string;
  readonly things: readonly Thing[];
  readonly fixtures: readonly Fixture[];
  /** Of an episode; `uniform` draws from a range. */
  place(uniform: (low: number, high: number) => number): readonly ThingStart[];
  isSolved(world: GripperWorld): boolean;
  readonly phases: readonly ExpertPhase[];
}
