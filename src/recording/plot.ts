import { OptionError } from '../foundation/errors.js';
import { checkMethods } from '../foundation/options.js';
import { type Axis, drawAxes, type Frame, type Tick } from '../report/axes.js';
import { coordinate, element, label, svgFile } from '../report/html.js';
import type { LoopRecording, RecordedAction, RecordedDecision } from './recording.js';

const WIDTH = 960;
const LEFT = 70;
const RIGHT = 20;
const TOP = 78;
const PANEL_HEIGHT = 130;
const PANEL_GAP = 76;
const LEGEND_HEIGHT = 40;
/** Distinct for colour-blind eyes too (palette of Okabe and Ito 2008); more lines than colours begin anew. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const LATE = '#c00000';
/** A line has no more points than a picture has columns, twice: the least and the most of each. */
const MOST_POINTS = 2 * WIDTH;

const STYLE = `text { font: 12px sans-serif; fill: #222222 } .title { font-size: 16px; font-weight: bold }
.gridline { stroke: #dddddd } .axis { stroke: #222222 } .line { fill: none; stroke-width: 1.5; stroke-linejoin: round }
.border { stroke: #888888; stroke-dasharray: 3 3 } .late { stroke: ${LATE}; stroke-width: 2 }`;

/** Values of one name over time, [times][size]. */
interface Series {
  readonly title: string;
  readonly times: readonly number[];
  readonly rows: readonly ArrayLike<number>[];
}

/**
 * A recording as an SVG file: every vector of the observations, the actions, and how long decisions took, over the same seconds. Chunk borders
 * are where a chunk took over.
 * @throws OptionError where nothing was recorded that could be drawn.
 */
export function plotRecording(recording: LoopRecording): string {
  checkMethods('plotRecording', 'observations of the recording', recording?.observations, 'those of readLoopRecording', ['map']);
  checkMethods('plotRecording', 'actions of the recording', recording.actions, 'those of readLoopRecording', ['map']);
  checkMethods('plotRecording', 'decisions of the recording', recording.decisions, 'those of readLoopRecording', ['map']);
  const { actions, decisions, observations } = recording;
  const lastMs = [actions, decisions, observations].reduce((last, messages) => Math.max(last, messages.at(-1)?.atMs ?? 0), 0);
  if (lastMs === 0) throw new OptionError('plotRecording: the recording has no two messages at different times: there is nothing to draw.');
  const series = [...observed(recording), acted(actions)];
  const panels = series.length + 1;
  const height = TOP + panels * (PANEL_HEIGHT + PANEL_GAP) + LEGEND_HEIGHT - 20;
  const x = niceAxis('seconds', 0, lastMs / 1000, (fraction) => LEFT + fraction * (WIDTH - LEFT - RIGHT));
  const frameAt = (place: number): Frame => ({
    left: LEFT,
    top: TOP + place * (PANEL_HEIGHT + PANEL_GAP),
    width: WIDTH - LEFT - RIGHT,
    height: PANEL_HEIGHT,
  });
  const title = `${recording.metadata.get('policy') ?? 'a control loop'}: ${actions.length} ticks, ${decisions.length} decisions`;
  return svgFile(WIDTH, height, title, [
    element('style', {}, STYLE),
    label(20, 28, title, { class: 'title' }),
    label(20, 48, [recording.metadata.get('strategy'), recording.cut && 'cut off'].filter(Boolean).join(', ')),
    ...series.map((one, place) => element('g', {}, seriesPanel(one, frameAt(place), x, decisions, actions))),
    element('g', {}, latencyPanel(decisions, frameAt(series.length), x)),
    ...legend(height - 18),
  ]);
}

function observed({ observations }: LoopRecording): Series[] {
  const names = [...new Set(observations.flatMap(({ values }) => [...values.keys()]))];
  return names.map((name) => {
    const there = observations.filter(({ values }) => values.has(name));
    return { title: name, times: there.map(({ atMs }) => atMs), rows: there.map(({ values }) => values.get(name) as Float32Array) };
  });
}

function acted(actions: readonly RecordedAction[]): Series {
  const sent = actions.filter((action) => action.sent);
  return { title: 'action', times: sent.map(({ atMs }) => atMs), rows: sent.map(({ action }) => action) };
}

function seriesPanel(
  { title, times, rows }: Series,
  frame: Frame,
  x: Axis,
  decisions: readonly RecordedDecision[],
  actions: readonly RecordedAction[],
): string[] {
  const size = rows.reduce((most, { length }) => Math.max(most, length), 0);
  let low = Infinity;
  let high = -Infinity;
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      low = Math.min(low, row[i] as number);
      high = Math.max(high, row[i] as number);
    }
  }
  const bottom = frame.top + frame.height;
  const y = niceAxis(title, low, high, (fraction) => bottom - fraction * frame.height);
  const lines = Array.from({ length: size }, (_, dimension) => {
    const values = rows.map((row) => row[dimension] as number);
    const points = thinned(times, values).map(([ms, value]) => `${coordinate(x.place(ms / 1000))},${coordinate(y.place(value))}`);
    return element('polyline', { points: points.join(' '), class: 'line', stroke: COLOURS[dimension % COLOURS.length] });
  });
  const borders = decisions.map(({ atMs }) => vertical(x.place(atMs / 1000), frame.top, bottom, 'border'));
  const late = actions.filter((action) => action.late).map(({ atMs }) => vertical(x.place(atMs / 1000), bottom - 8, bottom, 'late'));
  return [...drawAxes(frame, x, y), ...borders, ...lines, ...(title === 'action' ? late : [])];
}

function latencyPanel(decisions: readonly RecordedDecision[], frame: Frame, x: Axis): string[] {
  const most = decisions.reduce((all, { latencyMs }) => Math.max(all, latencyMs), 1);
  const bottom = frame.top + frame.height;
  const y = niceAxis('decision latency, ms', 0, most, (fraction) => bottom - fraction * frame.height);
  const marks = decisions.map((decision) => {
    const place = x.place(decision.atMs / 1000);
    const top = y.place(decision.latencyMs);
    return [element('line', { x1: place, x2: place, y1: bottom, y2: top, stroke: '#bbbbbb' }), mark(place, top, decision)].join('');
  });
  return [...drawAxes(frame, x, y), ...marks];
}

function mark(x: number, y: number, { warm, stalled, expired }: Pick<RecordedDecision, 'warm' | 'stalled' | 'expired'>): string {
  const colour = COLOURS[0] as string;
  if (stalled) return element('rect', { x: x - 4, y: y - 4, width: 8, height: 8, fill: COLOURS[1] });
  return element('circle', { cx: x, cy: y, r: 4, fill: warm ? colour : '#ffffff', stroke: expired ? LATE : colour, 'stroke-width': 1.5 });
}

function legend(y: number): string[] {
  const entries: readonly (readonly [string, (x: number) => string])[] = [
    ['a chunk took over', (x) => vertical(x, y - 12, y + 2, 'border')],
    ['late tick', (x) => vertical(x, y - 10, y, 'late')],
    ['decision from a prediction', (x) => mark(x, y - 5, { warm: true, stalled: false, expired: false })],
    ['from noise', (x) => mark(x, y - 5, { warm: false, stalled: false, expired: false })],
    ['stalled', (x) => mark(x, y - 5, { warm: true, stalled: true, expired: false })],
    ['came too late', (x) => mark(x, y - 5, { warm: true, stalled: false, expired: true })],
  ];
  let x = LEFT;
  return entries.flatMap(([text, draw]) => {
    const parts = [draw(x), label(x + 12, y, text)];
    x += 46 + 7 * text.length;
    return parts;
  });
}

function vertical(x: number, y1: number, y2: number, name: string): string {
  return element('line', { x1: x, x2: x, y1, y2, class: name });
}

/** A line of many points by the least and the most of each stretch: no peak is lost. */
function thinned(times: readonly number[], values: readonly number[]): (readonly [number, number])[] {
  const stretch = Math.ceil((2 * values.length) / MOST_POINTS);
  if (stretch <= 2) return values.map((value, i) => [times[i] as number, value]);
  const points: (readonly [number, number])[] = [];
  for (let at = 0; at < values.length; at += stretch) {
    let [least, most] = [at, at];
    for (let i = at; i < Math.min(at + stretch, values.length); i++) {
      if ((values[i] as number) < (values[least] as number)) least = i;
      if ((values[i] as number) > (values[most] as number)) most = i;
    }
    for (const i of least < most ? [least, most] : [most, least]) points.push([times[i] as number, values[i] as number]);
  }
  return points;
}

/** From a round number below the least to one above the most, with four to eight round numbers between. `at`: of a fraction of the axis. */
function niceAxis(title: string, least: number, most: number, at: (fraction: number) => number): Axis {
  const [low, high] = least < most ? [least, most] : least === most ? [least - 1, most + 1] : [0, 1];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = title === 'seconds' ? 0 : Math.floor(low / step);
  const end = title === 'seconds' ? high / step : Math.ceil(high / step);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = Array.from(
    { length: Math.floor(end - first) + 1 },
    (_, i): Tick => ({
      value: (first + i) * step,
      text: ((first + i) * step).toFixed(Math.min(digits, 20)),
    }),
  );
  return { title, ticks, place: (value) => at((value / step - first) / (end - first)) };
}
