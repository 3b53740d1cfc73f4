import { axisRotation, product, rotated, sum, type Vector, wrapped, yawOf } from '../../mujoco/rotations.js';
import {
  atHeight,
  bringing,
  CLOSED,
  type ExpertPhase,
  gripPhase,
  type HandTarget,
  liftPhase,
  OPEN,
  type WantedPose,
} from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import { hingeRotation } from '../rotation-6d.js';
import type { GripperPose, GripperWorld } from '../world.js';
import { CAVITY_BOTTOM, FRAME, FRAME_THING, HOOK_GRIP, STAND, STAND_THING, TOOL, TOOL_GRIP, TOOL_THING } from './tool-hang-parts.js';
import { isAssembled, isHung } from './tool-hang-rules.js';

const [STAND_AT, FRAME_AT, TOOL_AT] = [0, 1, 2];
/** Frame and tool lie on their sides: turned by a quarter about their own x axes. */
const LYING = Math.PI / 2;

/** Of the corner over the table when the rod's tip is this high over the bottom of the cavity, m. */
const cornerOver = (tip: number): number => CAVITY_BOTTOM + tip + FRAME.rod;
/** Of the tip before it goes in. */
const ABOVE_STAND = STAND.depth + 0.02;
/** How far beyond the hook's end the ring begins, m. */
const BEFORE_HOOK = 0.035;
/** How far under its line the middle of the ring goes, m, and how far the handle is turned down from the side, rad. */
const BELOW_HOOK = 0.008;
const HANDLE_DOWN = 1.3;
/** How far along the hook it is let go, as a share. */
const HUNG_AT = 0.45;

/** Over what lies there, at a place in its frame; the hand turned as it is. */
function over(world: GripperWorld, thing: number, at: Vector, z: number): Pick<HandTarget, 'position' | 'yaw'> {
  const { position, rotation } = world.things[thing] as GripperPose;
  const [x, y] = sum(position, rotated(rotation, at)) as [number, number];
  return { position: [x, y, z], yaw: yawOf(rotation) };
}

function picking(what: string, thing: number, at: Vector, height: number): ExpertPhase[] {
  return [
    {
      name: `hover over the ${what}`,
      ticks: 24,
      hold: 6,
      aim: (world) => ({ ...over(world, thing, at, 0.12), tilt: [0, 0], grip: OPEN }),
    },
    {
      name: `descend to the ${what}`,
      ticks: 14,
      hold: 6,
      isPaused: true,
      aim: (world) => ({ ...over(world, thing, at, height), tilt: [0, 0], grip: OPEN }),
    },
    gripPhase(`close on the ${what}`, CLOSED, 10),
  ];
}

function bring(name: string, ticks: number, hold: number, thing: number, to: (world: GripperWorld) => WantedPose): ExpertPhase {
  return { name, ticks, hold, aim: (world, last) => bringing(to(world), world.things[thing] as GripperPose, last) };
}

/** The frame upright over the cavity, its tip so far over the bottom; the hook along the table's y, as far as the stand lets it. */
function standing(world: GripperWorld, tip: number): WantedPose {
  const { position, rotation } = world.things[STAND_AT] as GripperPose;
  const [x, y] = position as [number, number];
  return { position: [x, y, cornerOver(tip)], rotation: hingeRotation([Math.PI / 2 + wrapped(yawOf(rotation), Math.PI / 2), 0, 0]) };
}

/** The ring around the line of the hook, as far from the corner: its axis along the hook, its handle nearly down, so that it hardly swings. */
function threaded(world: GripperWorld, along: number): WantedPose {
  const { position, rotation } = world.things[FRAME_AT] as GripperPose;
  // The ring's axis y along the hook's x.
  const turn = product(rotation, axisRotation([0, 0, 1], -Math.PI / 2));
  const ring = sum(position, rotated(rotation, [along, 0, 0]));
  return { position: sum(ring, [0, 0, -BELOW_HOOK]), rotation: product(turn, axisRotation([0, 1, 0], -HANDLE_DOWN)) };
}

/** Backwards along the hand, so far. */
function backing(name: string, away: number): ExpertPhase {
  return {
    name,
    ticks: 12,
    hold: 4,
    aim: (_, last) => ({ ...last, position: sum(last.position, rotated(hingeRotation([last.yaw, ...last.tilt]), [0, 0, away])) }),
  };
}

export const TOOL_HANG: GripperGoal = {
  task: 'tool-hang',
  title: 'ToolHang, in the manner of RoboMimic',
  words: 'Put the frame into the stand and hang the tool on its hook.',
  solved:
    'the frame stands in the stand (upright within 10°, its tip within 5&nbsp;cm of the base), and the tool hangs on its hook and is not touched',
  maxTicks: 700,
  substeps: 25,
  things: [STAND_THING, FRAME_THING, TOOL_THING],
  fixtures: [],
  place: (uniform) => [
    { position: [0.24 + uniform(-0.01, 0.01), 0.06 + uniform(-0.01, 0.01), 0], yaw: uniform(-0.1, 0.1) },
    {
      position: [0.2 + uniform(-0.02, 0.02), -0.14 + uniform(-0.02, 0.02), FRAME.half],
      yaw: Math.PI / 2 + uniform(-0.3, 0.3),
      roll: LYING,
    },
    { position: [0.12 + uniform(-0.02, 0.02), 0.2 + uniform(-0.02, 0.02), TOOL.half], yaw: uniform(-0.3, 0.3), roll: LYING },
  ],
  isSolved: (world) => isAssembled(world, STAND_AT, FRAME_AT) && isHung(world, FRAME_AT, TOOL_AT),
  phases: [
    ...picking('frame', FRAME_AT, HOOK_GRIP, 0.012),
    liftPhase(0.26),
    bring('turn upright', 24, 8, FRAME_AT, (world) => standing(world, ABOVE_STAND)),
    bring('align', 8, 8, FRAME_AT, (world) => standing(world, ABOVE_STAND)),
    bring('align again', 6, 8, FRAME_AT, (world) => standing(world, STAND.depth + 0.006)),
    bring('insert', 20, 10, FRAME_AT, (world) => standing(world, 0.001)),
    gripPhase('let go of the frame', OPEN),
    backing('back off', 0.1),
    { name: 'rise', ticks: 10, hold: 0, aim: (_, last) => atHeight(last, 0.36) },
    ...picking('tool', TOOL_AT, TOOL_GRIP, 0.012),
    liftPhase(0.28),
    bring('bring the tool', 28, 8, TOOL_AT, (world) => threaded(world, FRAME.hook + BEFORE_HOOK)),
    bring('align the tool', 8, 8, TOOL_AT, (world) => threaded(world, FRAME.hook + BEFORE_HOOK)),
    bring('thread', 18, 8, TOOL_AT, (world) => threaded(world, HUNG_AT * FRAME.hook)),
    gripPhase('let go of the tool', OPEN),
    backing('leave', 0.1),
    { name: 'wait', ticks: 1, hold: 30, aim: (_, last) => last },
  ],
};
