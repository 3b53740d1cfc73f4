import type { ViewCamera } from '../mujoco/drawing/board.js';
import type { Primitive } from '../mujoco/primitives.js';
import type { Vector } from '../mujoco/rotations.js';
import type { ExpertPhase } from './expert-phases.js';
import type { HandPlan } from './hand.js';
import type { GripperWorld } from './world.js';

export type GripperTaskName = 'lift' | 'can' | 'square' | 'stack-cube' | 'transport' | 'tool-hang' | 'turn-faucet';

/** What a thing turns about, in its own frame. */
export interface ThingHinge {
  /** The thing that it is part of, one that is placed; its origin is theirs. Of the task's things. */
  readonly on: number;
  readonly axis: readonly [number, number, number];
  /** It turns from 0 to this, rad. */
  readonly range: number;
  /** N m s, and N m. */
  readonly damping: number;
  readonly friction: number;
}

/** A body that can be moved. */
export interface Thing {
  readonly name: string;
  readonly solids: readonly Primitive[];
  /** How often it looks the same in a turn about the vertical: 4 for a cube; 0 for what always does. */
  readonly symmetry: number;
  /** Whether it stays on the table: its height is not observed then, only how it lies from the hand. */
  readonly staysDown?: boolean;
  /** Whether it is turned about any axis: then the first two rows of its rotation are observed, in place of an angle. */
  readonly isTilted?: boolean;
  /** Whether it stays where an episode puts it. */
  readonly isPlaced?: boolean;
  /** Of what can only turn. */
  readonly hinge?: ThingHinge;
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
  /** About its own x axis. Default 0. */
  readonly roll?: number;
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
  /** Default: one. */
  readonly hands?: readonly HandPlan[];
  /** After which an episode is cut. Default: 400. */
  readonly maxTicks?: number;
  /** Steps of physics in a tick. Default: 12. */
  readonly substeps?: number;
  /** From where replays show it. Default: two sides of what is in front of one hand. */
  readonly cameras?: readonly ViewCamera[];
  /** Corners of the table as replays show it, m. Default: what is in front of one hand. */
  readonly table?: readonly (readonly [number, number])[];
  /** What is observed of the things, where that is not each of them. */
  readonly observed?: { readonly names: readonly string[]; of(world: GripperWorld): number[] };
  /** Of an episode, of each thing that does not hang on another; `uniform` draws from a range. */
  place(uniform: (low: number, high: number) => number): readonly ThingStart[];
  isSolved(world: GripperWorld): boolean;
  readonly phases: readonly ExpertPhase[];
}
