import { axisRotation, product, type Rotation, rotated, type Vector, wrapped } from '../mujoco/rotations.js';

/** Below this a vector has no direction that could be relied on. */
const SHORTEST = 1e-6;
/** Of cos b: nearer to ±90° the angle about z cannot be told from the one about x. */
const LOCK = 1e-6;

/** A rotation in six numbers without a seam: its first two rows, as PyTorch3D and with it Diffusion Policy lay them out. [6] */
export function toRotation6d(rotation: Rotation): number[] {
  return rotation.slice(0, 6);
}

/**
 * The rotation whose first row points along the first three numbers and whose second lies in the plane of both (Gram and Schmidt; Zhou et al.
 * 2019). Undefined where they span no plane.
 */
export function fromRotation6d(values: ArrayLike<number>): Rotation | undefined {
  const [a, b] = [
    [values[0], values[1], values[2]],
    [values[3], values[4], values[5]],
  ] as [number[], number[]];
  const x = unit(a);
  if (!x) return undefined;
  const along = x.reduce((total, value, i) => total + value * (b[i] as number), 0);
  const rest = b.map((value, i) => value - along * (x[i] as number));
  // Rounding of what is parallel is as large as what it is a rounding of.
  const y = Math.hypot(...rest) > SHORTEST * Math.hypot(...b) ? unit(rest) : undefined;
  if (!y) return undefined;
  const [x0, x1, x2, y0, y1, y2] = [...x, ...y] as [number, number, number, number, number, number];
  return [...x, ...y, x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0];
}

/** Rz(c) · Ry(b) · Rx(a) of three hinges, outermost first. */
export function hingeRotation([c = 0, b = 0, a = 0]: Vector): Rotation {
  return product(product(axisRotation([0, 0, 1], c), axisRotation([0, 1, 0], b)), axisRotation([1, 0, 0], a));
}

/** Angles [c, b, a] of a rotation: of all that give it, those nearest to where the hinges are, so that none turns round for nothing. */
export function hingeAngles(rotation: Rotation, near: Vector): number[] {
  const [x, y] = [rotation[0] as number, rotation[3] as number];
  const first = Math.hypot(x, y) < LOCK ? (near[0] as number) : Math.atan2(y, x);
  const found = [first, first + Math.PI].map((c) => {
    const tilted = product(axisRotation([0, 0, 1], -c), rotation);
    const b = Math.atan2(-(tilted[6] as number), tilted[0] as number);
    const a = Math.atan2(-(tilted[5] as number), tilted[4] as number);
    const angles = [c, b, a].map((angle, i) => (near[i] as number) + wrapped(angle - (near[i] as number), 2 * Math.PI));
    return { angles, way: angles.reduce((total, angle, i) => total + (angle - (near[i] as number)) ** 2, 0) };
  }) as [{ angles: number[]; way: number }, { angles: number[]; way: number }];
  return (found[1].way < found[0].way ? found[1] : found[0]).angles;
}

/** Of three hinges: w, x, y, z. */
export function hingeQuaternion([c = 0, b = 0, a = 0]: Vector): number[] {
  const [cc, sc, cb, sb, ca, sa] = [c, b, a].flatMap((angle) => [Math.cos(angle / 2), Math.sin(angle / 2)]) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return [cc * cb * ca + sc * sb * sa, cc * cb * sa - sc * sb * ca, cc * sb * ca + sc * cb * sa, sc * cb * ca - cc * sb * sa];
}

/** Row-major rotation of a unit quaternion w, x, y, z. */
export function quaternionRotation([w = 1, x = 0, y = 0, z = 0]: Vector): Rotation {
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}

/** A quaternion (w, x, y, z) after a turn about an axis of its own frame: q · (cos ½, sin ½ · axis). */
export function turnedAbout([w = 1, x = 0, y = 0, z = 0]: Vector, axis: Vector, angle: number): number[] {
  const c = Math.cos(angle / 2);
  const [a, b, d] = axis.map((value) => Math.sin(angle / 2) * value) as [number, number, number];
  return [w * c - x * a - y * b - z * d, w * a + x * c + y * d - z * b, w * b - x * d + y * c + z * a, w * d + x * b - y * a + z * c];
}

/** A vector turned about the vertical. */
export function turned(vector: Vector, yaw: number): number[] {
  return rotated(axisRotation([0, 0, 1], yaw), vector);
}

function unit(vector: readonly number[]): number[] | undefined {
  const length = Math.hypot(...vector);
  return length > SHORTEST && Number.isFinite(length) ? vector.map((value) => value / length) : undefined;
}
