/** v / |v|; NaN for a vector without length. */
export function normalized(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** a × b, of vectors [3]. */
export function cross([a = 0, b = 0, c = 0]: readonly number[], [x = 0, y = 0, z = 0]: readonly number[]): number[] {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}
