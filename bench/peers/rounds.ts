/** Turns of a round: everyone, then everyone the other way round, so that a drift of the machine hits all alike. */
export function turnsOfRound<T>(peers: readonly T[]): T[] {
  return [...peers, ...[...peers].reverse()];
}

/** Runs that fit into a turn of `seconds`, at least one. */
export function runsPerTurn(seconds: number, runMs: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor((seconds * 1000) / runMs)));
}

/** Largest difference relative to the largest reference value; NaN where a value is not finite or the sizes differ. */
export function relativeError(found: ArrayLike<number>, reference: ArrayLike<number>): number {
  if (found.length !== reference.length) return NaN;
  let error = 0;
  let scale = 0;
  for (let i = 0; i < reference.length; i++) {
    // Infinity less infinity is NaN, and Math.max keeps it.
    error = Math.max(error, Math.abs((found[i] as number) - (reference[i] as number)));
    scale = Math.max(scale, Math.abs(reference[i] as number));
  }
  return error / scale;
}

/** How much longer each engine takes than `base`: ratios of medians, by name. */
export function ratiosTo(base: string, medians: ReadonlyMap<string, number>): Map<string, number> {
  const own = medians.get(base);
  if (own === undefined) throw new TypeError(`there is no median of "${base}"`);
  return new Map([...medians].filter(([name]) => name !== base).map(([name, median]) => [name, median / own]));
}
