import { OptionError } from '../foundation/errors.js';
import { checkInteger } from '../foundation/options.js';
import { cross, normalized } from './vectors.js';

/** How solids are numbered in a scene. A sphere is a capsule without length. */
export const SOLID_KINDS = ['plane', 'capsule', 'cylinder', 'box'] as const;
export type SolidKind = (typeof SOLID_KINDS)[number];

/**
 * A solid in the world, in metres. `half` along its axes: of a box, half its edges; of a cylinder or capsule around z, its radius, half the
 * length of its straight part, and nothing; of a plane, which is seen from above alone, half its sides, 0 for no end.
 */
export interface Solid {
  readonly kind: SolidKind;
  readonly half: readonly [number, number, number];
  /** Red, green, blue, 0 … 1. */
  readonly colour: readonly [number, number, number];
  readonly position: readonly [number, number, number];
  /** To the world, row-major [9]. */
  readonly rotation: readonly number[];
}

/** A camera in the world: a pinhole without distortion. */
export interface CameraPose {
  readonly eye: readonly number[];
  /** Right, up and backwards, rows [9]. */
  readonly axes: readonly number[];
  /** From the lower edge of the picture to the upper one, degrees. */
  readonly fovy: number;
}

/**
 * Numbers of a scene, in fours, as twin and kernel read them:
 *
 *     eye, count of solids · right · tan(fovy/2) · width/height, ambient · up · tan(fovy/2), diffuse · forward, share in shadow ·
 *     towards the light, 0 · room, 0
 *
 * then for each solid `half, kind · colour, reach · row of the rotation, coordinate` of x, y and z. `reach`: radius of a ball around the position
 * that holds the solid; −1 where none does.
 */
export const HEADER_NUMBERS = 24;
export const SOLID_NUMBERS = 20;

/** One light from afar, and what comes from everywhere. A face in shadow keeps a share of the light, so that its sides can be told apart. */
const LIGHT = normalized([0.28, 0.3, 0.9]);
const AMBIENT = 0.45;
const DIFFUSE = 0.55;
const SHADOW = 0.25;
/** Where nothing is. */
const ROOM = [0.56, 0.6, 0.65] as const;

/** Far more than tasks have: what one dispatch goes through for every pixel. */
const MOST_SOLIDS = 4096;
/** As pictures have at most. */
const MOST_SIDE = 8192;

/** Solids one after the other, [count][20]. */
export function packSolids(solids: readonly Solid[]): Float64Array {
  const packed = new Float64Array(solids.length * SOLID_NUMBERS);
  solids.forEach(({ kind, half, colour, position, rotation }, i) => {
    packed.set([...half, SOLID_KINDS.indexOf(kind), ...colour, reachOf(kind, half)], i * SOLID_NUMBERS);
    placeSolid(packed, i, position, 0, rotation, 0);
  });
  return packed;
}

/** Moves a solid of `packSolids`: its position is at `positions[p …]` [3], its rotation, row-major, at `rotations[r …]` [9]. */
export function placeSolid(
  packed: Float64Array,
  solid: number,
  positions: ArrayLike<number>,
  p: number,
  rotations: ArrayLike<number>,
  r: number,
): void {
  for (let row = 0; row < 3; row++) {
    const at = solid * SOLID_NUMBERS + 8 + 4 * row;
    for (let column = 0; column < 3; column++) packed[at + column] = rotations[r + 3 * row + column] as number;
    packed[at + 3] = positions[p + row] as number;
  }
}

/**
 * The scene of a picture: `solids` as `packSolids` has them, seen by a camera in a picture of `height` × `width` pixels.
 * @throws OptionError for sides or a number of solids that there cannot be.
 */
export function sceneNumbers(solids: Float64Array, { eye, axes, fovy }: CameraPose, height: number, width: number): Float64Array {
  const where = 'sceneNumbers';
  checkInteger(where, 'height', height, 1, MOST_SIDE);
  checkInteger(where, 'width', width, 1, MOST_SIDE);
  checkInteger(where, 'the number of solids', solids.length / SOLID_NUMBERS, 0, MOST_SOLIDS);
  if (!(fovy > 0 && fovy < 180)) throw new OptionError(`${where}: fovy must be between 0 and 180 degrees, found ${fovy}.`);
  const tangent = Math.tan((fovy * Math.PI) / 360);
  const [right, up, back] = [axes.slice(0, 3), axes.slice(3, 6), axes.slice(6, 9)];
  const scaled = (vector: readonly number[], by: number): number[] => vector.map((value) => value * by);
  const scene = new Float64Array(HEADER_NUMBERS + solids.length);
  scene.set([
    ...eye.slice(0, 3),
    solids.length / SOLID_NUMBERS,
    ...scaled(right, (tangent * width) / height),
    AMBIENT,
    ...scaled(up, tangent),
    DIFFUSE,
    ...scaled(back, -1),
    SHADOW,
    ...LIGHT,
    0,
    ...ROOM,
    0,
  ]);
  scene.set(solids, HEADER_NUMBERS);
  return scene;
}

/** A camera at a point that looks at another one. `up` is roughly upwards in the picture. @throws OptionError where it looks along `up`. */
export function lookingAt(eye: readonly number[], look: readonly number[], up: readonly number[], fovy: number): CameraPose {
  const back = normalized(eye.map((value, i) => value - (look[i] as number)));
  const across = cross(up, back);
  if (!(Math.hypot(...across) > 1e-9)) throw new OptionError('lookingAt: a camera cannot look along its up: give another up.');
  const right = normalized(across);
  return { eye, axes: [...right, ...cross(back, right), ...back], fovy };
}

function reachOf(kind: SolidKind, [a, b, c]: Solid['half']): number {
  switch (kind) {
    case 'plane':
      return -1;
    case 'capsule':
      return a + b;
    case 'cylinder':
      return Math.hypot(a, b);
    case 'box':
      return Math.hypot(a, b, c);
  }
}
