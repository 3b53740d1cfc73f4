/** What can be said of a number of values. Percentiles are by nearest rank: each of them is one of the values. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

const STATISTICS: { readonly [Name in keyof Summary]: (sorted: Float64Array) => number } = {
  count: ({ length }) => length,
  mean: (sorted) => sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
  min: ranked(0),
  p5: ranked(0.05),
  p25: ranked(0.25),
  p50: ranked(0.5),
  p75: ranked(0.75),
  p95: ranked(0.95),
  p99: ranked(0.99),
  max: ranked(1),
};

/** The statistics that are asked for by name, in that order. Undefined without values. */
export function summarize<Name extends keyof Summary>(values: ArrayLike<number>, names: readonly Name[]): Pick<Summary, Name> | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  return Object.fromEntries(names.map((name) => [name, STATISTICS[name](sorted)])) as Pick<Summary, Name>;
}

/** The median by nearest rank. NaN without values. */
export function median(values: ArrayLike<number>): number {
  return summarize(values, ['p50'])?.p50 ?? NaN;
}

/** The value at `fraction` of an ascending list by nearest rank: one of the list. Undefined for an empty one. */
export function nearestRank(sorted: ArrayLike<number>, fraction: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
}

function ranked(fraction: number): (sorted: Float64Array) => number {
  return (sorted) => nearestRank(sorted, fraction) as number;
}
