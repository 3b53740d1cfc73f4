/** Of a motion from 0 to 1 in a unit of time that begins and ends at rest. */
export function minimumJerk(s: number): number {
  return s * s * s * (10 - 15 * s + 6 * s * s);
}
