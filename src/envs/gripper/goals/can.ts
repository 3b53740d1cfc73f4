import type { Colour, Primitive } from '../../mujoco/primitives.js';
import { liftPhase, pickPhases, placePhases } from '../expert-phases.js';
import type { Fixture, GripperGoal } from '../goal.js';
import type { GripperPose } from '../world.js';
import { hasLetGo } from './let-go.js';

const CAN = { radius: 0.024, halfHeight: 0.045 };
/** Half sizes of a bin, m; its floor is thin, its walls lower than a gripped can's fingers. */
const BIN = { x: 0.12, y: 0.14, floor: 0.003, wall: 0.004, height: 0.022 };
const FROM = { x: 0.15, y: -0.16 };
const TO = { x: 0.15, y: 0.16 };
/** robosuite: less than this above the bin. */
const MOST_ABOVE = 0.1;
const FLOOR = 2 * BIN.floor;
const WOOD: Colour = [0.62, 0.5, 0.38];
const BOARD: Colour = [0.72, 0.62, 0.5];
const CHOSEN: Colour = [0.5, 0.68, 0.5];
/** Pieces of a wall along its length: short ones are drawn in the right order. */
const PIECES = 4;

export const CAN_TASK: GripperGoal = {
  task: 'can',
  title: 'Can, in the manner of RoboMimic',
  words: 'Put the can into the green quarter of the other bin.',
  solved: 'the can is in the green quarter of the other bin, less than 10&nbsp;cm above its floor, and the hand more than 42&nbsp;mm away',
  things: [
    {
      name: 'can',
      symmetry: 0,
      solids: [{ kind: 'cylinder', ...CAN, at: [0, 0, 0], colour: [0.8, 0.16, 0.18], material: 'object', name: 'can' }],
    },
  ],
  fixtures: [...bin('bin_from', FROM, false), ...bin('bin_to', TO, true)],
  place: (uniform) => [
    {
      position: [FROM.x + uniform(-0.07, 0.07), FROM.y + uniform(-0.08, 0.08), FLOOR + CAN.halfHeight],
      yaw: uniform(-Math.PI, Math.PI),
    },
  ],
  isSolved: (world) => {
    const [x, y, z] = (world.things[0] as GripperPose).position as [number, number, number];
    const isInQuarter = x > TO.x && x < TO.x + BIN.x && y > TO.y && y < TO.y + BIN.y;
    return isInQuarter && z > 0 && z < MOST_ABOVE && hasLetGo(world, 0);
  },
  phases: [
    ...pickPhases({ thing: 0, hover: 0.16, height: 0.07, at: [0, 0], period: 0 }),
    liftPhase(0.18),
    ...placePhases({
      thing: 0,
      to: () => ({ position: [TO.x + BIN.x / 2, TO.y + BIN.y / 2, FLOOR + CAN.halfHeight + 0.002], yaw: 0 }),
      period: 0,
      carry: 0.15,
      grip: -1,
    }),
  ],
};

/** Floor and four walls; of the target, the floor's quarter that is wanted is painted. */
function bin(name: string, { x, y }: { readonly x: number; readonly y: number }, isTarget: boolean): Fixture[] {
  const box = (half: readonly [number, number, number], at: readonly [number, number, number], colour: Colour): Primitive => {
    return { kind: 'box', half, at, colour, material: 'object' };
  };
  const floors = [-1, 1].flatMap((sx) =>
    [-1, 1].map((sy) =>
      box(
        [BIN.x / 2, BIN.y / 2, BIN.floor],
        [(sx * BIN.x) / 2, (sy * BIN.y) / 2, BIN.floor],
        isTarget && sx > 0 && sy > 0 ? CHOSEN : BOARD,
      ),
    ),
  );
  const pieces = Array.from({ length: PIECES }, (_, piece) => (2 * piece + 1) / PIECES - 1);
  const walls = [-1, 1].flatMap((side) =>
    pieces.flatMap((along) => [
      box([BIN.wall, BIN.y / PIECES, BIN.height], [side * (BIN.x + BIN.wall), along * BIN.y, BIN.height], WOOD),
      box([BIN.x / PIECES, BIN.wall, BIN.height], [along * BIN.x, side * (BIN.y + BIN.wall), BIN.height], WOOD),
    ]),
  );
  return [
    { name: `${name}_floor`, at: [x, y, 0], layer: 0, solids: floors },
    { name, at: [x, y, 0], solids: walls },
  ];
}
