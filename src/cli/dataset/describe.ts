import type { Dataset, DatasetEpisode, DatasetFeature } from '../../datasets/dataset.js';
import { count, plural } from '../../terminal/format.js';
import { facts, table } from '../../terminal/table.js';
import { sparkline } from './sparkline.js';

/** Rows of tables that people read; the rest is counted. */
const MOST_EPISODES = 12;
const MOST_MISSING = 12;
const DIGITS = 5;

/** A data set for programs. */
export function datasetJson(dataset: Dataset): object {
  const { name, format, fps, robot, frames, features, episodes, statistics, statisticsComputed, missing, warnings } = dataset;
  return {
    name,
    format,
    fps,
    robot,
    frames,
    features,
    episodes,
    statistics: Object.fromEntries(
      [...statistics].map(([feature, { quantiles, ...numbers }]) => [
        feature,
        Object.fromEntries(
          [...Object.entries(numbers), ...quantiles].map(([key, values]) => [key, typeof values === 'number' ? values : [...values]]),
        ),
      ]),
    ),
    statisticsComputed,
    missing,
    warnings,
  };
}

/** The same for people; `drawn`: rows of the episode that is drawn, by feature. */
export function datasetText(dataset: Dataset, drawn: DatasetEpisode | undefined, rows: ReadonlyMap<string, Float32Array>): string {
  const { features, episodes, fps, statisticsComputed } = dataset;
  const lengths = episodes.map(({ from, to }) => to - from);
  const whole = episodes.filter(({ missing }) => missing.length === 0).length;
  const tasks = [...new Set(episodes.flatMap((episode) => episode.tasks))];
  const parts = [
    facts([
      ['data set', `${dataset.name}, ${dataset.format}`],
      ['robot', dataset.robot ?? 'not said'],
      ['frames', `${count(dataset.frames)} at ${fps} fps, ${(dataset.frames / fps / 60).toFixed(1)} minutes`],
      ['episodes', `${count(episodes.length)}, ${count(whole)} of them all there; ${range(lengths)} frames`],
      ['lengths', sparkline(lengths)],
      ['tasks', tasks.length === 0 ? 'none' : tasks.slice(0, 3).join(' · ') + (tasks.length > 3 ? ` and ${tasks.length - 3} more` : '')],
      ['statistics', statisticsComputed ? 'computed from what is there' : 'as the data set says'],
    ]),
    table(
      ['feature', 'kind', 'stored as', 'shape', 'episodes'],
      features.map(({ name, kind, dtype, shape }) => [name, kind, dtype, shape.join(' × '), String(episodesWith(dataset, name))]),
    ),
    ...features.filter(({ kind }) => kind === 'vector').map((feature) => vectorTable(dataset, feature, drawn, rows.get(feature.name))),
    ...(episodes.some(({ missing }) => missing.length > 0) ? [missingText(dataset)] : []),
    ...(dataset.warnings.length > 0 ? [dataset.warnings.map((warning) => `warning: ${warning}`).join('\n')] : []),
  ];
  return parts.join('\n\n');
}

function episodesWith({ episodes }: Dataset, name: string): number {
  return episodes.filter(({ missing }) => !missing.some(({ feature }) => feature === name)).length;
}

function vectorTable(dataset: Dataset, feature: DatasetFeature, drawn: DatasetEpisode | undefined, rows: Float32Array | undefined): string {
  const { name, size, names } = feature;
  const statistics = dataset.statistics.get(name);
  const number = (values: Float64Array | undefined, k: number): string => (values === undefined ? '–' : shortNumber(values[k] as number));
  const header = [name, 'min', 'mean', 'max', 'std', rows === undefined || drawn === undefined ? '' : `episode ${drawn.index}`];
  const cells = Array.from({ length: size }, (_, k) => [
    names?.[k] ?? String(k),
    number(statistics?.min, k),
    number(statistics?.mean, k),
    number(statistics?.max, k),
    number(statistics?.std, k),
    rows === undefined ? '' : sparkline(Array.from({ length: rows.length / size }, (__, row) => rows[row * size + k] as number)),
  ]);
  return table(header, cells);
}

function missingText({ episodes, missing }: Dataset): string {
  const torn = episodes.filter((episode) => episode.missing.length > 0);
  const shown = torn
    .slice(0, MOST_EPISODES)
    .map(({ index, missing: parts }) => [String(index), [...new Set(parts.map(({ feature }) => feature))].join(', ')]);
  const more = torn.length - shown.length;
  return [
    `${plural(missing.length, 'file')} missing:`,
    ...missing.slice(0, MOST_MISSING).map((file) => `  ${file}`),
    ...(missing.length > MOST_MISSING ? [`  and ${missing.length - MOST_MISSING} more`] : []),
    '',
    table(['episode', 'has no'], shown) + (more > 0 ? `\nand ${plural(more, 'episode')} more` : ''),
  ].join('\n');
}

/** "221", "161 to 504"; of nothing, "no". */
function range(lengths: readonly number[]): string {
  if (lengths.length === 0) return 'no';
  const low = lengths.reduce((least, length) => Math.min(least, length));
  const high = lengths.reduce((most, length) => Math.max(most, length));
  return low === high ? String(low) : `${low} to ${high}`;
}

export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(DIGITS)));
}
