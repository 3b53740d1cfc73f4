/** The value at `fraction` of an ascending list by nearest rank: one of the list. Undefined for an empty one. */
export function nearestRank(sorted: ArrayLike<number>, fraction: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
}
