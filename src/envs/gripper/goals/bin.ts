import type { Colour, Primitive } from '../../mujoco/primitives.js';
import type { Fixture } from '../goal.js';

/** A bin on the table, open above, m. */
export interface Bin {
  readonly name: string;
  /** Where its middle is. */
  readonly at: readonly [x: number, y: number];
  /** Half of its inside. */
  readonly half: readonly [x: number, y: number];
  /** Of each quarter of its floor: −x −y, −x +y, +x −y, +x +y. */
  readonly floors: readonly [Colour, Colour, Colour, Colour];
}

/** Half thickness of floor and walls and half height of the walls, lower than a gripped can's fingers, m. */
const FLOOR_HALF = 0.003;
const WALL = { half: 0.004, height: 0.022 };
const WOOD: Colour = [0.62, 0.5, 0.38];
export const BOARD: Colour = [0.72, 0.62, 0.5];
export const CHOSEN: Colour = [0.5, 0.68, 0.5];
/** Pieces of a wall along its length: short ones are drawn in the right order. */
const PIECES = 4;

/** Height of the inside of a floor, and of the upper edge of the walls, m. */
export const BIN_FLOOR = 2 * FLOOR_HALF;
export const BIN_EDGE = 2 * WALL.height;
/** How far a bin reaches beyond its inside, m. */
export const BIN_RIM = 2 * WALL.half;

/** Names of the solids of a bin's floor, where it is named. */
export function floorNames({ name }: Pick<Bin, 'name'>): string[] {
  return [0, 1, 2, 3].map((quarter) => `${name}_floor_${quarter}`);
}

/** Floor, of which each quarter has its colour, and four walls. `isNamed`: whether rules ask what touches the floor. */
export function binFixtures(bin: Bin, isNamed = false): Fixture[] {
  const { name, at, half, floors } = bin;
  const [x, y] = half;
  const box = (
    size: readonly [number, number, number],
    place: readonly [number, number, number],
    colour: Colour,
    solid?: string,
  ): Primitive => {
    return { kind: 'box', half: size, at: place, colour, material: 'object', ...(solid === undefined ? {} : { name: solid }) };
  };
  const names = floorNames(bin);
  const bottom = [-1, 1].flatMap((sx, i) =>
    [-1, 1].map((sy, j) => {
      const quarter = 2 * i + j;
      const place = [(sx * x) / 2, (sy * y) / 2, FLOOR_HALF] as const;
      return box([x / 2, y / 2, FLOOR_HALF], place, floors[quarter] as Colour, isNamed ? names[quarter] : undefined);
    }),
  );
  const pieces = Array.from({ length: PIECES }, (_, piece) => (2 * piece + 1) / PIECES - 1);
  const walls = [-1, 1].flatMap((side) =>
    pieces.flatMap((along) => [
      box([WALL.half, y / PIECES, WALL.height], [side * (x + WALL.half), along * y, WALL.height], WOOD),
      box([x / PIECES, WALL.half, WALL.height], [along * x, side * (y + WALL.half), WALL.height], WOOD),
    ]),
  );
  return [
    { name: `${name}_floor`, at: [...at, 0], layer: 0, solids: bottom },
    { name, at: [...at, 0], solids: walls },
  ];
}
