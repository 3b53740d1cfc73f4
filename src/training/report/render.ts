import { checkInteger, checkList, checkNumber, checkObject, checkText } from '../../foundation/options.js';
import { element, escape, section } from '../../report/html.js';
import type { ChunkSample } from '../loop/chunk-sample.js';
import type { RunHistory } from '../loop/history.js';
import { plot } from './plot.js';

/** What a report says besides the history. */
export interface ReportFacts {
  readonly title: string;
  /** Name and value, in the order in which they are shown. */
  readonly facts: readonly (readonly [string, string])[];
  /** Steps of the whole run. */
  readonly steps: number;
  /** Whether the run goes on: the page then loads itself anew every few seconds. */
  readonly isLive: boolean;
}

/** The page asks nothing of any network, and its browser holds it to that. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const REFRESH_SECONDS = 5;

const STYLE = `
:root { --page: #ffffff; --text: #1d2329; --muted: #5b6570; --line: #e2e6ea; --first: #0072b2; --second: #d55e00; --third: #009e73; --fourth: #8a6fb0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --text: #e3e6e9; --muted: #98a2ac; --line: #2c3238; --first: #4aa8e0; --second: #e8803a; --third: #3fc39b; --fourth: #b49ad8; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 96px; }
h1 { margin: 0 0 20px; font-size: 1.75rem; line-height: 1.25; }
h2 { margin: 0 0 4px; font-size: 1.2rem; }
section { margin-top: 56px; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
.introduction { margin: 0 0 20px; max-width: 76ch; color: var(--muted); font-size: .92rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 12px 32px; margin: 0; }
.facts dt { color: var(--muted); font-size: .8rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 32px; }
.gridline { stroke: var(--line); }
.axis { stroke: var(--muted); }
.tick { fill: var(--muted); font-size: 12px; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.name { margin-right: 10px; font-weight: 400; font-size: .8rem; }
.first { stroke: var(--first); color: var(--first); } .second { stroke: var(--second); color: var(--second); }
.third { stroke: var(--third); color: var(--third); } .fourth { stroke: var(--fourth); color: var(--fourth); }
.third.line { stroke-dasharray: 4 4; }
`;

const LOOKS = ['first', 'second', 'third', 'fourth'];
/** Plots of chunks; a robot of many joints would make a page without end. */
const MOST_DIMENSIONS = 8;

/**
 * A training run as one HTML file that needs nothing else: loss, norm of the gradient, learning rate, figures of the evaluations, and chunks
 * beside the data.
 * @throws OptionError for what is no history.
 */
export function renderTrainingReport(history: RunHistory, facts: ReportFacts): string {
  check(history, facts);
  const { title, isLive } = facts;
  const head = element('head', {}, [
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    isLive ? element('meta', { 'http-equiv': 'refresh', content: String(REFRESH_SECONDS) }) : '',
    element('link', { rel: 'icon', href: 'data:,' }),
    element('title', {}, escape(title)),
    element('style', {}, STYLE),
  ]);
  const header = element('header', {}, [
    element('h1', {}, escape(title)),
    element(
      'dl',
      { class: 'facts' },
      facts.facts.map(([name, value]) => element('div', {}, [element('dt', {}, escape(name)), element('dd', {}, escape(value))])),
    ),
  ]);
  const body = element(
    'body',
    {},
    element('main', {}, [header, stepsSection(history, facts.steps), evaluationsSection(history, facts.steps), samplesSection(history)]),
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, [head, body])}\n`;
}

function stepsSection({ steps }: RunHistory, end: number): string {
  if (steps.length === 0) return '';
  const curve = (name: 'loss' | 'gradientNorm' | 'learningRate', title: string, isLog: boolean): string =>
    plot([{ name: title, look: 'first', points: steps.map((point) => [point.step, point[name]] as const) }], {
      title,
      x: 'steps',
      isLog,
      end,
    });
  return section(
    'steps',
    'Steps',
    'Of single batches; where steps are many, a point is the mean of its neighbours. The norm is that before clipping.',
    [
      element('div', { class: 'grid' }, [
        curve('loss', 'Loss', true),
        curve('gradientNorm', 'Norm of the gradient', true),
        curve('learningRate', 'Learning rate', false),
      ]),
    ],
  );
}

function evaluationsSection({ evaluations }: RunHistory, end: number): string {
  const names = [...new Set(evaluations.flatMap(({ figures }) => Object.keys(figures)))];
  if (names.length === 0) return '';
  const pointsOf = (name: string): [number, number][] =>
    evaluations.flatMap(({ step, figures }) => {
      const value = figures[name];
      return value === undefined ? [] : [[step, value] as [number, number]];
    });
  // Errors share a plot, so that they can be compared; whatever else there is has one of its own.
  const errors = names.filter((name) => /error/.test(name)).slice(0, LOOKS.length);
  const plots = [
    plot(
      errors.map((name, i) => ({ name, look: LOOKS[i] as string, points: pointsOf(name) })),
      { title: 'Errors', x: 'steps', isLog: true, end },
    ),
    ...names
      .filter((name) => !errors.includes(name))
      .map((name) => plot([{ name, look: 'first', points: pointsOf(name) }], { title: name, x: 'steps', isLog: false, end })),
  ];
  return section(
    'evaluations',
    'Evaluations',
    'Mean squares in the units of the network, over windows of episodes that nothing was learned from where episodes were held back.',
    [element('div', { class: 'grid' }, plots)],
  );
}

function samplesSection({ samples }: RunHistory): string {
  if (samples.length === 0) return '';
  const plots = samples.flatMap((sample, i) =>
    Array.from({ length: Math.min(sample.actionDim, MOST_DIMENSIONS) }, (_, dimension) => samplePlot(sample, i, dimension)),
  );
  return section(
    'samples',
    'Chunks',
    'What the network made of situations from the data, beside what was demonstrated there; normalised.',
    [element('div', { class: 'grid' }, plots)],
  );
}

function samplePlot({ rows, actionDim, target, predicted, previous }: ChunkSample, index: number, dimension: number): string {
  const points = (values: readonly number[]): [number, number][] =>
    Array.from({ length: rows }, (_, row) => [row, values[row * actionDim + dimension] ?? NaN]);
  const lines = [
    { name: 'demonstrated', look: 'first', points: points(target) },
    { name: 'network', look: 'second', points: points(predicted) },
    ...(previous ? [{ name: 'chunk before', look: 'third', points: points(previous) }] : []),
  ];
  return plot(lines, { title: `Situation ${index + 1}, action ${dimension}:`, x: 'rows of the chunk', isLog: false });
}

function check(history: RunHistory, facts: ReportFacts): void {
  const where = 'renderTrainingReport';
  checkObject(where, 'the history', history);
  const number = (name: string, value: unknown): void => void checkNumber(where, name, value, 'a number', () => true);
  checkList(where, 'steps', history.steps, (point) => {
    checkObject(where, 'a point of steps', point);
    for (const name of ['step', 'loss', 'gradientNorm', 'learningRate'] as const) number(name, point[name]);
  });
  checkList(where, 'evaluations', history.evaluations, (point) => {
    checkObject(where, 'a point of evaluations', point);
    number('step', point.step);
    for (const [name, figure] of Object.entries(checkObject(where, 'the figures of an evaluation', point.figures))) number(name, figure);
  });
  checkList(where, 'samples', history.samples, (sample) => {
    checkObject(where, 'a sample', sample);
    for (const name of ['rows', 'actionDim'] as const) checkInteger(where, name, sample[name], 1, 65_536);
    for (const name of ['target', 'predicted'] as const)
      checkList(where, name, sample[name], (value) => number(`a value of ${name}`, value));
  });
  checkObject(where, 'the facts', facts);
  checkText(where, 'title', facts.title);
  checkList(where, 'facts', facts.facts, (fact) => {
    checkList(where, 'a fact', fact, (text) => checkText(where, 'a fact', text), 2);
  });
}
