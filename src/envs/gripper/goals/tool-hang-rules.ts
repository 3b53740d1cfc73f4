import { cross } from '../../../rendering/vectors.js';
import { difference, rotated, sum, type Vector } from '../../mujoco/rotations.js';
import type { GripperPose, GripperWorld } from '../world.js';
import { BASE_MIDDLE, FRAME, HOOK, RING, ringAt, TOOL, WALLS } from './tool-hang-parts.js';

/** robosuite's ToolHang. */
const UPRIGHT = Math.cos(Math.PI / 18);
const TIP_AWAY = 0.05;
/** Share of the hook that the ring has to be past. */
const LEAST_THREADED = 0.05;
/** From the middle of the ring to the corners between its boxes, where it is widest, m: what hangs there is as far from the line as it can be. */
const WIDEST = TOOL.inner / Math.cos(Math.PI / RING.length);

/** Stand upright, the rod's tip near its base, and its walls on both sides of the rod. */
export function isAssembled({ things }: GripperWorld, stand: number, frame: number): boolean {
  const base = things[stand] as GripperPose;
  const corner = things[frame] as GripperPose;
  if (!((base.rotation[8] as number) > UPRIGHT)) return false;
  const tip = placeIn(corner, [0, 0, -FRAME.rod]);
  if (!(length(difference(tip, placeIn(base, [0, 0, BASE_MIDDLE]))) < TIP_AWAY)) return false;
  const rod = difference(corner.position, tip);
  const sides = WALLS.map((wall) => cross(difference(placeIn(base, wall), tip), rod));
  return [0, 1].every((wall) => dot(sides[wall] as Vector, sides[wall + 2] as Vector) < 0);
}

/** Touched by no pad, the ring around the hook, on its line, past its end, and touching it. */
export function isHung(world: GripperWorld, frame: number, tool: number): boolean {
  const { things } = world;
  const corner = things[frame] as GripperPose;
  const ring = things[tool] as GripperPose;
  const end = placeIn(corner, [FRAME.hook, 0, 0]);
  const hook = difference(corner.position, end);
  const from = difference(ring.position, end);
  const share = dot(from, hook) / dot(hook, hook);
  if (!(share > LEAST_THREADED && share < 1)) return false;
  const aside = length(
    difference(
      from,
      hook.map((value) => share * value),
    ),
  );
  if (!(aside < WIDEST - FRAME.half)) return false;
  const onSide = (side: number): Vector => cross(difference(placeIn(ring, ringAt(side)), end), hook);
  return dot(onSide(0), onSide(RING.length / 2)) < 0 && !world.isTouched(tool) && world.touches(RING, HOOK);
}

function placeIn({ position, rotation }: GripperPose, at: Vector): number[] {
  return sum(position, rotated(rotation, at));
}

function dot(a: Vector, b: Vector): number {
  return a.reduce((total, value, i) => total + value * (b[i] as number), 0);
}

function length(a: Vector): number {
  return Math.hypot(...a);
}
