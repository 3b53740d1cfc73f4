import type { Capsule, Colour, Primitive } from '../primitives.js';
import { axisRotation, rotated, sum, type Vector } from '../rotations.js';

/** Convex solids as faces: corners counter-clockwise as seen from outside. */
export interface Mesh {
  /** [vertices][3] flattened, m. */
  readonly vertices: number[];
  readonly faces: { readonly colour: Colour; readonly corners: readonly number[] }[];
}

const CYLINDER_SIDES = 28;
const CAPSULE_SIDES = 12;
/** Rings of a cap, its tip left out. */
const CAPSULE_RINGS = 3;

/** Solids of one body. */
export function meshOf(primitives: readonly Primitive[]): Mesh {
  const mesh: Mesh = { vertices: [], faces: [] };
  for (const primitive of primitives) {
    const { vertices, faces } = shapeOf(primitive);
    const first = mesh.vertices.length / 3;
    const turn = axisRotation([0, 1, 0], primitive.pitch ?? 0);
    for (const vertex of vertices) mesh.vertices.push(...sum(rotated(turn, vertex), primitive.at));
    for (const corners of faces) mesh.faces.push({ colour: primitive.colour, corners: corners.map((corner) => first + corner) });
  }
  return mesh;
}

interface Shape {
  readonly vertices: readonly Vector[];
  readonly faces: readonly (readonly number[])[];
}

function shapeOf(primitive: Primitive): Shape {
  switch (primitive.kind) {
    case 'box':
      return boxShape(primitive.half);
    case 'cylinder':
      return revolved(
        [
          [primitive.radius, -primitive.halfHeight],
          [primitive.radius, primitive.halfHeight],
        ],
        CYLINDER_SIDES,
      );
    case 'capsule':
      return capsuleShape(primitive);
  }
}

function boxShape([a, b, c]: readonly [number, number, number]): Shape {
  const vertices = [-1, 1].flatMap((z) => [-1, 1].flatMap((y) => [-1, 1].map((x) => [x * a, y * b, z * c])));
  const faces = [
    [0, 2, 3, 1],
    [4, 5, 7, 6],
    [0, 1, 5, 4],
    [2, 6, 7, 3],
    [0, 4, 6, 2],
    [1, 3, 7, 5],
  ];
  return { vertices, faces };
}

/** Rings of [radius, height] around z, from below, with a face at each end. */
function revolved(rings: readonly (readonly [number, number])[], sides: number): Shape {
  const vertices = rings.flatMap(([radius, z]) =>
    Array.from({ length: sides }, (_, side): Vector => {
      const angle = (2 * Math.PI * side) / sides;
      return [radius * Math.cos(angle), radius * Math.sin(angle), z];
    }),
  );
  const ends = Array.from({ length: sides }, (_, side) => side);
  const faces = rings.slice(1).flatMap((_, ring) =>
    ends.map((side) => {
      const next = (side + 1) % sides;
      return [ring * sides + side, ring * sides + next, (ring + 1) * sides + next, (ring + 1) * sides + side];
    }),
  );
  const top = (rings.length - 1) * sides;
  return { vertices, faces: [...faces, [...ends].reverse(), ends.map((side) => top + side)] };
}

function capsuleShape({ radius, from, to }: Capsule): Shape {
  const along = to.map((value, i) => value - (from[i] as number));
  const length = Math.hypot(...along);
  const angles = Array.from({ length: CAPSULE_RINGS }, (_, ring) => (ring * Math.PI) / 2 / CAPSULE_RINGS);
  const upper = angles.map((angle): [number, number] => [radius * Math.cos(angle), length / 2 + radius * Math.sin(angle)]);
  const lower = upper.map(([r, z]): [number, number] => [r, -z]).reverse();
  const { vertices, faces } = revolved([...lower, ...upper], CAPSULE_SIDES);
  const middle = from.map((value, i) => value + (along[i] as number) / 2);
  // From z to its direction.
  const [x = 0, y = 0, z = 1] = along.map((value) => value / length);
  const tilt = Math.acos(Math.max(-1, Math.min(1, z)));
  const across = Math.hypot(x, y);
  const turn = across < 1e-12 ? axisRotation([1, 0, 0], tilt) : axisRotation([-y / across, x / across, 0], tilt);
  return { vertices: vertices.map((vertex) => sum(rotated(turn, vertex), middle)), faces };
}
