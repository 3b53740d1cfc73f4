import type { DatasetFeature, FeatureStatistics } from '../dataset.js';
import { QUANTILES, statisticsOfRows } from '../statistics.js';

/** Statistics by feature, those that only number the frames included, as LeRobot stores them. */
export type NamedStatistics = ReadonlyMap<string, FeatureStatistics>;

/** A statistic as LeRobot has it: a list, or [[[x]], …] of the channels of pictures. */
export function statisticValue(values: Float64Array, isPicture: boolean): unknown[] {
  return Array.from(values, (value) => (isPicture ? [[value]] : value));
}

/** Names of the statistics in the order of LeRobot's files, and their values. */
export function statisticEntries(statistics: FeatureStatistics): [string, Float64Array][] {
  const { min, max, mean, std, count, quantiles } = statistics;
  return [
    ['min', min],
    ['max', max],
    ['mean', mean],
    ['std', std],
    ['count', Float64Array.of(count)],
    ...QUANTILES.flatMap(([name]): [string, Float64Array][] => {
      const values = quantiles.get(name);
      return values === undefined ? [] : [[name, values]];
    }),
  ];
}

/** `meta/stats.json`. */
export function statsJson(features: readonly DatasetFeature[], statistics: NamedStatistics): string {
  const isPicture = (name: string): boolean => features.some((feature) => feature.name === name && feature.kind !== 'vector');
  const entries = [...statistics].map(([name, one]): [string, object] => [
    name,
    Object.fromEntries(statisticEntries(one).map(([key, values]) => [key, statisticValue(values, key !== 'count' && isPicture(name))])),
  ]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 4)}\n`;
}

/** Of the numbers of an episode's frames. */
export function bookkeepingStatistics(episode: number, from: number, length: number, fps: number, task: number): NamedStatistics {
  const rows = (value: (frame: number) => number): FeatureStatistics => {
    return statisticsOfRows(
      Float64Array.from({ length }, (_, frame) => value(frame)),
      1,
    );
  };
  return new Map([
    ['timestamp', rows((frame) => frame / fps)],
    ['frame_index', rows((frame) => frame)],
    ['episode_index', rows(() => episode)],
    ['index', rows((frame) => from + frame)],
    ['task_index', rows(() => task)],
  ]);
}
