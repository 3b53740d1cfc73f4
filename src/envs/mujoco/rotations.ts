/** Rotations are row-major [9], vectors [3]. */
export type Vector = readonly number[];
export type Rotation = readonly number[];

export const IDENTITY: Rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** Rodrigues' formula: a turn by `angle` radians about a unit axis. */
export function axisRotation([x = 0, y = 0, z = 0]: Vector, angle: number): number[] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const k = 1 - c;
  return [
    c + x * x * k,
    x * y * k - z * s,
    x * z * k + y * s,
    y * x * k + z * s,
    c + y * y * k,
    y * z * k - x * s,
    z * x * k - y * s,
    z * y * k + x * s,
    c + z * z * k,
  ];
}

/** A · B. */
export function product(a: Rotation, b: Rotation): number[] {
  return Array.from({ length: 9 }, (_, at) => {
    const [row, column] = [Math.floor(at / 3), at % 3];
    return (
      (a[3 * row] as number) * (b[column] as number) +
      (a[3 * row + 1] as number) * (b[3 + column] as number) +
      (a[3 * row + 2] as number) * (b[6 + column] as number)
    );
  });
}

/** R · v. */
export function rotated(r: Rotation, v: Vector): number[] {
  const [x = 0, y = 0, z = 0] = v;
  return [0, 1, 2].map((row) => (r[3 * row] as number) * x + (r[3 * row + 1] as number) * y + (r[3 * row + 2] as number) * z);
}

/** Rᵀ · v. */
export function rotatedBack(r: Rotation, v: Vector): number[] {
  const [x = 0, y = 0, z = 0] = v;
  return [0, 1, 2].map((column) => (r[column] as number) * x + (r[3 + column] as number) * y + (r[6 + column] as number) * z);
}

/** Of a turn by `angle` about z: w, x, y, z. */
export function yawQuaternion(angle: number): number[] {
  return [Math.cos(angle / 2), 0, 0, Math.sin(angle / 2)];
}

/** Angle about z of a rotation's x axis. */
export function yawOf(r: Rotation): number {
  return Math.atan2(r[3] as number, r[0] as number);
}

/** The representative of an angle nearest to 0, modulo a period. */
export function wrapped(angle: number, period: number): number {
  return angle - period * Math.round(angle / period);
}

/** a + b. */
export function sum(a: Vector, b: Vector): number[] {
  return a.map((value, i) => value + (b[i] as number));
}

/** a − b. */
export function difference(a: Vector, b: Vector): number[] {
  return a.map((value, i) => value - (b[i] as number));
}
