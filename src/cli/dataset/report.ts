import { type Dataset, type DatasetEpisode, type DatasetFeature, vectorFeatures } from '../../datasets/dataset.js';
import { type Axis, countAxis, drawAxes, type Frame } from '../../report/axes.js';
import { coordinate, element, escape, picture, section } from '../../report/html.js';
import { shortNumber } from './describe.js';
import { drawnRows } from './drawn-rows.js';

const WIDTH = 520;
const HEIGHT = 210;
const FRAME: Frame = { left: 62, top: 26, width: WIDTH - 76, height: HEIGHT - 74 };
/** More lines are a tangle: these are spread over the data set. */
const MOST_EPISODES = 12;
/** Points of a line; of more frames, the lowest and the highest of every stretch. */
const MOST_POINTS = 260;
/** Dimensions of a feature that are drawn. */
const MOST_DIMENSIONS = 64;

const STYLE = `
:root { --page: #ffffff; --text: #1d2329; --muted: #5b6570; --line: #e2e6ea; --low: #d55e00; --high: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e3e6e9; --muted: #98a2ac; --line: #2c3238; --low: #e8803a; --high: #4aa8e0; } }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
section { margin-top: 48px; }
h1 { font-size: 1.6rem; } h2 { margin: 0 0 4px; font-size: 1.15rem; }
.introduction, .note { color: var(--muted); font-size: .9rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 20px; }
figure { margin: 0; } figcaption { font-weight: 600; font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: 2px 14px 2px 0; text-align: left; vertical-align: top; }
.gridline { stroke: var(--line); } .axis { stroke: var(--muted); } .tick { fill: var(--muted); font-size: 11px; }
.episode { fill: none; stroke: var(--high); stroke-width: 1.1; opacity: .55; }
.mean { stroke: var(--low); stroke-dasharray: 5 4; }
`;

/** The page asks nothing of any network. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** A data set as one HTML page: facts, and every dimension of every vector over some episodes; of one that `isDamaged`, those that can be read. */
export async function datasetReport(dataset: Dataset, isDamaged = false): Promise<string> {
  const features = vectorFeatures(dataset);
  const sections: string[] = [];
  for (const feature of features) sections.push(await featureSection(dataset, feature, isDamaged));
  const title = `${dataset.name}: ${dataset.episodes.length} episodes, ${dataset.frames} frames`;
  const head = element('head', {}, [
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('link', { rel: 'icon', href: 'data:,' }),
    element('title', {}, escape(title)),
    element('style', {}, STYLE),
  ]);
  const body = element(
    'body',
    {},
    element('main', {}, [element('h1', {}, escape(title)), factsTable(dataset), missingSection(dataset), ...sections]),
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, [head, body])}\n`;
}

function factsTable({ format, fps, robot, features, statisticsComputed }: Dataset): string {
  const rows: [string, string][] = [
    ['format', format],
    ['robot', robot ?? 'not said'],
    ['frames per second', String(fps)],
    ...features.map(({ name, kind, dtype, shape }): [string, string] => [name, `${kind}, ${dtype} [${shape.join(', ')}]`]),
    ['statistics', statisticsComputed ? 'computed from what is there' : 'as the data set says'],
  ];
  return element(
    'table',
    {},
    rows.map(([name, value]) => element('tr', {}, [element('th', {}, escape(name)), element('td', {}, escape(value))])),
  );
}

function missingSection({ missing }: Dataset): string {
  if (missing.length === 0) return '';
  const shown = missing.slice(0, 100).map((file) => element('li', {}, escape(file)));
  return section('missing', 'What is missing', `${missing.length} files belong to the data set and are not there.`, [
    element('ul', { class: 'note' }, shown),
  ]);
}

async function featureSection(dataset: Dataset, feature: DatasetFeature, isDamaged: boolean): Promise<string> {
  const { name, size, names } = feature;
  const episodes = spread(dataset.episodes.filter(({ missing }) => !missing.some((part) => part.feature === name)));
  const lines: { episode: DatasetEpisode; rows: Float32Array }[] = [];
  for (const episode of episodes) {
    const rows = await drawnRows(dataset, name, episode, isDamaged);
    if (rows) lines.push({ episode, rows });
  }
  const plots = Array.from({ length: lines.length === 0 ? 0 : Math.min(size, MOST_DIMENSIONS) }, (_, k) => {
    const series = lines.map(({ episode, rows }) => ({
      episode,
      values: Array.from({ length: rows.length / size }, (__, row) => rows[row * size + k] as number),
    }));
    return dimensionPlot(names?.[k] ?? String(k), series, dataset.statistics.get(name)?.mean[k]);
  });
  const left = size > MOST_DIMENSIONS ? ` The first ${MOST_DIMENSIONS} of ${size} dimensions.` : '';
  const introduction = `${lines.length} of ${dataset.episodes.length} episodes over their frames; dashed: the mean of all frames.${left}`;
  return section(`feature-${escape(name)}`, name, introduction, [element('div', { class: 'plots' }, plots)]);
}

function spread(episodes: readonly DatasetEpisode[]): DatasetEpisode[] {
  const count = Math.min(MOST_EPISODES, episodes.length);
  return Array.from({ length: count }, (_, i) => episodes[Math.floor((i * episodes.length) / count)] as DatasetEpisode);
}

interface Series {
  readonly episode: DatasetEpisode;
  readonly values: readonly number[];
}

function dimensionPlot(title: string, series: readonly Series[], mean: number | undefined): string {
  const all = series.flatMap(({ values }) => [lowest(values), highest(values)]);
  const x = countAxis('frames', Math.max(1, ...series.map(({ values }) => values.length - 1)), FRAME);
  const y = valueAxis(Math.min(...all), Math.max(...all));
  const lines = series.map(({ episode, values }) => {
    const points = thinned(values).map(
      ([frame, value], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x.place(frame))} ${coordinate(y.place(value))}`,
    );
    return element('path', { d: points.join(''), class: 'episode' }, element('title', {}, `episode ${episode.index}`));
  });
  const dashed =
    mean === undefined || !(mean >= Math.min(...all) && mean <= Math.max(...all))
      ? []
      : [element('line', { x1: FRAME.left, x2: FRAME.left + FRAME.width, y1: y.place(mean), y2: y.place(mean), class: 'mean' })];
  return element('figure', {}, [
    element('figcaption', {}, escape(title)),
    picture(WIDTH, HEIGHT, title, [...drawAxes(FRAME, x, y), ...lines, ...dashed]),
  ]);
}

function valueAxis(low: number, high: number): Axis {
  const range = high - low || 1;
  const ticks = [0, 1, 2, 3].map((i) => low + (i * range) / 3).map((value) => ({ value, text: shortNumber(Number(value.toPrecision(3))) }));
  return { title: '', ticks, place: (value) => FRAME.top + (1 - (value - low) / range) * FRAME.height };
}

/** [frame, value] of what is drawn. */
function thinned(values: readonly number[]): [number, number][] {
  if (values.length <= MOST_POINTS) return values.map((value, frame) => [frame, value]);
  const stretches = MOST_POINTS / 2;
  return Array.from({ length: stretches }, (_, i): [number, number][] => {
    const from = Math.floor((i * values.length) / stretches);
    const part = values.slice(from, Math.floor(((i + 1) * values.length) / stretches));
    const [low, high] = [part.indexOf(lowest(part)), part.indexOf(highest(part))];
    return [low, high].sort((a, b) => a - b).map((at) => [from + at, part[at] as number]);
  }).flat();
}

function lowest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}
