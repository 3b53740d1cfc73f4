import type { Box, Colour } from '../../mujoco/primitives.js';
import type { Thing } from '../goal.js';

const STEEL: Colour = [0.42, 0.47, 0.55];
const BRASS: Colour = [0.85, 0.66, 0.22];
const RED: Colour = [0.8, 0.24, 0.2];
const DARK: Colour = [0.3, 0.3, 0.34];

/** A rod of 7.5 mm for a cavity of 12 mm. Half sizes, m. */
const ROD_HALF = 0.00375;
const CAVITY_HALF = 0.006;
/** Its origin is on the table, under the middle of the cavity. */
export const STAND = { base: [0.05, 0.05, 0.008], wall: 0.003, depth: 0.05 } as const;
/** Bottom of the cavity over the table, and the middle of its base, m. */
export const CAVITY_BOTTOM = 2 * STAND.base[2];
export const BASE_MIDDLE = STAND.base[2];
/** Its origin is at the corner: the rod goes down, the hook along x. */
export const FRAME = { rod: 0.18, hook: 0.095, half: ROD_HALF } as const;
/** A ring of eight boxes whose axis is y, a handle along −x. Its origin is in the middle of the ring. */
export const TOOL = { inner: 0.021, thickness: 0.004, half: 0.005, handle: 0.11 } as const;
const SIDES = 8;
/** Of the middle of the handle, m. */
const HANDLE_AT = -(TOOL.inner + 2 * TOOL.thickness + TOOL.handle / 2 - 0.002);

/** Where a wall of the cavity is: +x, +y, −x, −y, in the frame of the stand. m */
export const WALLS: readonly (readonly [number, number, number])[] = [0, 1, 2, 3].map((wall) => {
  const away = CAVITY_HALF + STAND.wall;
  const side = wall < 2 ? away : -away;
  const height = CAVITY_BOTTOM + STAND.depth / 2;
  return wall % 2 === 0 ? [side, 0, height] : [0, side, height];
});

const box = (half: readonly [number, number, number], at: readonly [number, number, number], colour: Colour): Omit<Box, 'material'> => ({
  kind: 'box',
  half,
  at,
  colour,
});
const solid = (piece: Omit<Box, 'material'>, name?: string, material = 'object'): Box => {
  return { ...piece, material, ...(name === undefined ? {} : { name }) };
};

const wallHalf = (wall: number): readonly [number, number, number] => {
  const long = CAVITY_HALF + 2 * STAND.wall;
  return wall % 2 === 0 ? [STAND.wall, long, STAND.depth / 2] : [CAVITY_HALF, STAND.wall, STAND.depth / 2];
};

export const STAND_THING: Thing = {
  name: 'stand',
  symmetry: 4,
  staysDown: true,
  solids: [
    solid(box(STAND.base, [0, 0, STAND.base[2]], DARK), undefined, 'heavy'),
    ...WALLS.map((at, wall) => solid(box(wallHalf(wall), at, STEEL), undefined, 'heavy')),
  ],
};

/** The solid that the tool hangs on. */
export const HOOK = 'frame_hook';

export const FRAME_THING: Thing = {
  name: 'frame',
  symmetry: 1,
  isTilted: true,
  solids: [
    solid(box([FRAME.half, FRAME.half, FRAME.rod / 2], [0, 0, -FRAME.rod / 2], BRASS), 'frame_rod'),
    solid(box([FRAME.hook / 2, FRAME.half, FRAME.half], [FRAME.hook / 2, 0, 0], BRASS), HOOK),
  ],
};

/** The boxes of the ring, by name. */
export const RING: readonly string[] = Array.from({ length: SIDES }, (_, side) => `tool_ring_${side}`);

/** Where a box of the ring is in the frame of the tool: around y, from +x on. m */
export function ringAt(side: number): [number, number, number] {
  const angle = (2 * Math.PI * side) / SIDES;
  const away = TOOL.inner + TOOL.thickness;
  return [away * Math.cos(angle), 0, away * Math.sin(angle)];
}

export const TOOL_THING: Thing = {
  name: 'tool',
  symmetry: 1,
  isTilted: true,
  solids: [
    solid(box([TOOL.handle / 2, TOOL.half, 0.007], [HANDLE_AT, 0, 0], RED), 'tool_handle'),
    ...RING.map((name, side) => {
      const along = (TOOL.inner + 2 * TOOL.thickness) * Math.tan(Math.PI / SIDES);
      const piece = box([TOOL.thickness, TOOL.half, along], ringAt(side), RED);
      return solid({ ...piece, pitch: -(2 * Math.PI * side) / SIDES }, name);
    }),
  ],
};

/** Where the handle of the tool is gripped, in its frame. m */
export const TOOL_GRIP: readonly [number, number, number] = [HANDLE_AT - 0.01, 0, 0];
/** The same of the hook. */
export const HOOK_GRIP: readonly [number, number, number] = [0.045, 0, 0];
