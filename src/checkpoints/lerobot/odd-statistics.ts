import type { Statistics } from './normalizers.js';

/** What the statistics are used for: a value without range means another thing on each side of the network. */
export type StatisticsUse = 'observation' | 'action';

/**
 * Warns of statistics that LeRobot computes with and no data set has, so that its numbers stay what they are there: a dimension without range, and one
 * that is mirrored because the minimum lies above the maximum, or the standard deviation below zero.
 */
export function warnOfOddStatistics(statistics: Statistics, use: StatisticsUse, warnings: string[]): void {
  const { mode, first, second, where } = statistics;
  const isDeviation = mode === 'mean-std';
  const spread = (i: number): number => (second[i] as number) - (isDeviation ? 0 : (first[i] as number));
  const indices = [...second.keys()];
  const mirrored = indices.filter((i) => spread(i) < 0);
  const flat = indices.filter((i) => spread(i) === 0);
  const [low, high] = LABELS[mode] ?? ['min', 'max'];
  if (mirrored.length > 0) {
    const what = isDeviation ? 'the standard deviation is negative' : `${low} lies above ${high}`;
    warnings.push(
      `${where}: ${what} at ${places(mirrored)}; these dimensions are mirrored, as LeRobot computes them. Compare the statistics with the data set.`,
    );
  }
  if (flat.length > 0) {
    const what = isDeviation ? 'the standard deviation is 0' : `${low} is ${high}`;
    const then = use === 'action' ? 'every decision returns the same value there' : 'any other value than that one swamps the network';
    warnings.push(`${where}: ${what} at ${places(flat)}; ${then}, as in LeRobot. Compare the statistics with the data set.`);
  }
}

/** Names of a mode's pair where they are not min and max. */
const LABELS: Readonly<Partial<Record<Statistics['mode'], readonly [string, string]>>> = {
  quantiles: ['q01', 'q99'],
  quantile10: ['q10', 'q90'],
};

/** Diffusion Policy's scales: a negative one mirrors a dimension, 0 makes an observation constant. */
export function warnOfOddScales(scale: Float32Array, where: string, warnings: string[]): void {
  const indices = [...scale.keys()];
  const mirrored = indices.filter((i) => (scale[i] as number) < 0);
  const flat = indices.filter((i) => scale[i] === 0);
  if (mirrored.length > 0) {
    warnings.push(
      `${where}: the scale is negative at ${places(mirrored)}; these dimensions are mirrored. Compare the statistics with the data set.`,
    );
  }
  if (flat.length > 0) {
    warnings.push(
      `${where}: the scale is 0 at ${places(flat)}; the network does not see these values. Compare the statistics with the data set.`,
    );
  }
}

/** Indices for a message, the first few of them. */
function places(indices: readonly number[]): string {
  const shown = indices.slice(0, 5).join(', ');
  return `${indices.length === 1 ? 'index' : 'indices'} ${shown}${indices.length > 5 ? ` and ${indices.length - 5} more` : ''}`;
}
