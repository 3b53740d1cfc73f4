import { difference, product, type Rotation, rotated, rotatedBack, sum, type Vector, wrapped, yawOf } from '../mujoco/rotations.js';
import { hingeAngles, hingeRotation, turned } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

/** Where the expert wants the hand, which points down once it is over what it grips. */
export interface HandTarget {
  readonly position: Vector;
  /** rad */
  readonly yaw: number;
  /** Of the other two hinges, pitch and roll, rad. */
  readonly tilt: readonly [number, number];
  /** −1 open, 1 closed. */
  readonly grip: number;
}

/** A motion of the expert: `ticks` to where it aims, then `hold` ticks there. */
export interface ExpertPhase {
  readonly name: string;
  readonly ticks: number;
  readonly hold: number;
  /** Whether people wait before it. */
  readonly isPaused?: boolean;
  /** Which hand moves; the others stay. Default 0. */
  readonly hand?: number;
  /** What another hand does at the same time. */
  readonly beside?: ExpertPhase;
  /** Asked when the phase begins; `last`: where the one before led this hand. */
  aim(world: GripperWorld, last: HandTarget): HandTarget;
}

/** The same, done by another hand. */
export function byHand(hand: number, phases: readonly ExpertPhase[]): ExpertPhase[] {
  return phases.map((phase) => ({ ...phase, hand }));
}

/** Two hands at once, phase by phase: as many of the one as of the other. */
export function together(phases: readonly ExpertPhase[], others: readonly ExpertPhase[]): ExpertPhase[] {
  return phases.map((phase, i) => ({ ...phase, beside: others[i] as ExpertPhase }));
}

export const OPEN = -1;
export const CLOSED = 1;

/** How a thing is gripped. */
export interface Pick {
  /** Of the task's things. */
  readonly thing: number;
  /** Of the hand over the table, before and while it grips, m. */
  readonly hover: number;
  readonly height: number;
  /** Where, in the thing's frame, m. */
  readonly at: readonly [number, number];
  /** The turn after which the thing can be gripped in the same way, rad; 0 for one that can be gripped from any side. */
  readonly period: number;
}

/** Over a thing, down, close. The hand turns by as little as the thing's symmetry allows. */
export function pickPhases({ thing, hover, height, at, period }: Pick): ExpertPhase[] {
  const over = (world: GripperWorld): HandTarget => {
    const { position, rotation } = world.things[thing] as GripperPose;
    const yaw = yawOf(rotation);
    const [x, y] = sum(position, turned([...at, 0], yaw)) as [number, number];
    return { position: [x, y, hover], yaw: period === 0 ? 0 : wrapped(yaw, period), tilt: [0, 0], grip: OPEN };
  };
  return [
    { name: 'hover', ticks: 20, hold: 6, aim: over },
    { name: 'descend', ticks: 12, hold: 6, isPaused: true, aim: (_, last) => atHeight(last, height) },
    gripPhase('close', CLOSED),
  ];
}

/** Only the fingers move. */
export function gripPhase(name: string, grip: number, hold = 8): ExpertPhase {
  return { name, ticks: 4, hold, isPaused: true, aim: (_, last) => ({ ...last, grip }) };
}

/** Straight up, with what is held. */
export function liftPhase(height: number): ExpertPhase {
  return { name: 'lift', ticks: 14, hold: 6, aim: (_, last) => atHeight(last, height) };
}

/** Straight up from what was let go. */
export const BACK_UP: ExpertPhase = {
  name: 'back up',
  ticks: 12,
  hold: 4,
  aim: (_, last) => atHeight(last, (last.position[2] as number) + 0.12),
};

/** Where a held thing is brought. */
export interface Place {
  readonly thing: number;
  /** Where its centre is to be when it is let go, and how it is to lie; from the present. */
  readonly to: (world: GripperWorld) => { readonly position: Vector; readonly yaw: number };
  /** The turn after which it looks the same; 0 for a thing that need not be turned. */
  readonly period: number;
  /** Of its centre on the way, m. */
  readonly carry: number;
  /** How far the fingers open to let go, −1 … 1. */
  readonly grip: number;
}

/**
 * Above the place, once more from nearby, down, let go, up. What counts is where the thing is, which may have moved in the hand: the hand goes
 * where that brings it right.
 */
export function placePhases({ thing, to, period, carry, grip }: Place): ExpertPhase[] {
  const bring = (world: GripperWorld, last: HandTarget, z: number): HandTarget => {
    const held = world.things[thing] as GripperPose;
    const wanted = to(world);
    const turn = period === 0 ? 0 : wrapped(wanted.yaw - yawOf(held.rotation), period);
    const hand = turned(difference(last.position, held.position), turn);
    return { ...last, position: sum([wanted.position[0] as number, wanted.position[1] as number, z], hand), yaw: last.yaw + turn };
  };
  const above = (world: GripperWorld, last: HandTarget): HandTarget => bring(world, last, carry);
  return [
    { name: 'transport', ticks: 24, hold: 8, aim: above },
    { name: 'align', ticks: 6, hold: 6, aim: above },
    {
      name: 'lower',
      ticks: 14,
      hold: 6,
      isPaused: true,
      aim: (world, last) => bring(world, last, to(world).position[2] as number),
    },
    gripPhase('release', grip),
    BACK_UP,
  ];
}

/** Where a held thing is to be. */
export interface WantedPose {
  readonly position: Vector;
  readonly rotation: Rotation;
}

/** Where the hand has to be for a held thing to be there, by how the thing lies in the hand now. */
export function bringing({ position, rotation }: WantedPose, held: GripperPose, last: HandTarget): HandTarget {
  const hinges = [last.yaw, ...last.tilt];
  const hand = hingeRotation(hinges);
  // R = R* · (R_handᵀ R_thing)ᵀ; the thing's place in the hand goes with it.
  const wanted = product(rotation, product(transposed(held.rotation), hand));
  const [yaw, pitch, roll] = hingeAngles(wanted, hinges) as [number, number, number];
  const away = rotated(wanted, rotatedBack(hand, difference(held.position, last.position)));
  return { ...last, position: difference(position, away), yaw, tilt: [pitch, roll] };
}

export function atHeight(target: HandTarget, z: number): HandTarget {
  return { ...target, position: [target.position[0] as number, target.position[1] as number, z] };
}

function transposed(r: Rotation): Rotation {
  return [0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => r[at] as number);
}
