import { element, label, svgFile } from '../../src/report/html.js';
import { milliseconds } from '../../src/terminal/format.js';
import { bestStream, type CaseRecord, type PrecisionRecord, type SuiteRecord } from './record.js';
import { caseMs, floorMs } from './report.js';
import { rooflinePanel } from './roofline-panel.js';

const WIDTH = 960;
const LEFT = 130;
const BAR_WIDTH = 560;
const ROW = 26;
const TOP = 100;
const PANEL_HEIGHT = 360;
/** Distinct for colour-blind eyes too (palette of Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999'];

/** Time and floor of a part of the network, in one decision. */
export interface Group {
  readonly name: string;
  readonly floorMs: number;
  /** Milliseconds by kind of kernel. */
  readonly kinds: ReadonlyMap<string, number>;
}

/** Where the time of a decision goes, part by part of the network. */
export function groupCases(cases: readonly CaseRecord[], gigabytesPerSecond: number): Group[] {
  const groups = new Map<string, { name: string; floorMs: number; kinds: Map<string, number> }>();
  for (const found of cases) {
    // A case may stand for layers of several parts: each of them takes as often part in a decision as the others.
    for (const layer of found.layers) {
      const name = groupName(layer, found.segment);
      const group = groups.get(name) ?? { name, floorMs: 0, kinds: new Map<string, number>() };
      groups.set(name, group);
      group.floorMs += floorMs(found, gigabytesPerSecond) / found.layers.length;
      group.kinds.set(found.kind, (group.kinds.get(found.kind) ?? 0) + caseMs(found) / found.layers.length);
    }
  }
  return [...groups.values()].sort((a, b) => place(a.name) - place(b.name));
}

/** Parts of a decision in their order; the levels of a part follow each other. */
const ORDER = ['observe', 'predict', 'start', 'down', 'middle', 'up', 'final', 'solver', 'finish'];

function place(group: string): number {
  const [part = '', level = '0'] = group.split(' ');
  const index = ORDER.indexOf(part);
  return (index < 0 ? ORDER.length : index) + Number(level) / 100;
}

function groupName(layer: string, segment: string): string {
  const [module = '', index = ''] = layer.split('.');
  switch (module) {
    case 'down_modules':
      return `down ${index}`;
    case 'mid_modules':
      return 'middle';
    case 'up_modules':
      return `up ${index}`;
    case 'final_conv':
      return 'final';
    default:
      return segment === 'evaluate' ? 'solver' : segment;
  }
}

/** The picture of a decision: bars of where the time goes against the floor, and the roofline of its matrices. */
export function decisionPicture(record: SuiteRecord, found: PrecisionRecord): string {
  const best = bestStream(record);
  const groups = groupCases(found.cases, best);
  const kinds = byTime(groups);
  const colour = new Map(kinds.map((kind, index) => [kind, COLOURS[Math.min(index, COLOURS.length - 1)] as string]));
  const total = sum(groups.map(time));
  const longest = Math.max(...groups.flatMap((group) => [time(group), group.floorMs]));
  const x = (ms: number): number => LEFT + (ms / longest) * BAR_WIDTH;
  const bars = groups.flatMap((group, index) => bar(group, TOP + index * ROW, x, kinds, colour, total));
  const panelTop = TOP + groups.length * ROW + 60;
  const title =
    `Decision of the synthetic ${record.size} policy, ${found.precision} weights, batch ${record.batch}, ` +
    `horizon ${record.horizon}, ${record.steps} evaluations`;
  const content = [
    label(20, 28, title, { 'font-size': 16, 'font-weight': 'bold' }),
    label(
      20,
      48,
      `${record.adapter.description}, profile ${record.profile}, ${record.environment.date.slice(0, 10)}: ` +
        `${milliseconds(total)} in ${found.dispatches} dispatches, floor ${milliseconds(sum(groups.map((group) => group.floorMs)))} ` +
        `(its bytes at ${best.toFixed(1)} GB/s)`,
    ),
    ...legend(kinds, colour),
    ...bars,
    rooflinePanel(
      { left: LEFT, top: panelTop, width: BAR_WIDTH, height: PANEL_HEIGHT },
      found.cases,
      best,
      (kind) => colour.get(kind) ?? '#999999',
    ),
  ];
  return svgFile(WIDTH, panelTop + PANEL_HEIGHT + 50, title, content, { 'font-family': 'sans-serif', 'font-size': 12, fill: '#222222' });
}

function time(group: Group): number {
  return sum([...group.kinds.values()]);
}

/** Kinds of kernels, the one with most time first. */
function byTime(groups: readonly Group[]): string[] {
  const totals = new Map<string, number>();
  for (const { kinds } of groups) for (const [kind, ms] of kinds) totals.set(kind, (totals.get(kind) ?? 0) + ms);
  return [...totals].sort(([, a], [, b]) => b - a).map(([kind]) => kind);
}

function bar(
  group: Group,
  y: number,
  x: (ms: number) => number,
  kinds: readonly string[],
  colour: ReadonlyMap<string, string>,
  total: number,
): string[] {
  let end = 0;
  const pieces = kinds.flatMap((kind) => {
    const ms = group.kinds.get(kind) ?? 0;
    const start = end;
    end += ms;
    return ms === 0
      ? []
      : [element('rect', { x: x(start), y: y + 3, width: x(end) - x(start), height: ROW - 8, fill: colour.get(kind) ?? '' })];
  });
  const floor = x(group.floorMs);
  return [
    label(LEFT - 8, y + 17, group.name, { 'text-anchor': 'end' }),
    ...pieces,
    element('line', { x1: floor, y1: y, x2: floor, y2: y + ROW - 2, stroke: '#000000', 'stroke-width': 2 }),
    label(
      LEFT + BAR_WIDTH + 14,
      y + 17,
      `${milliseconds(end)}, ${((100 * end) / total).toFixed(1)} %, floor ${milliseconds(group.floorMs)}`,
    ),
  ];
}

function legend(kinds: readonly string[], colour: ReadonlyMap<string, string>): string[] {
  let x = LEFT;
  const entries = kinds.slice(0, COLOURS.length).flatMap((kind, index) => {
    const name = index === COLOURS.length - 1 && kinds.length > COLOURS.length ? 'others' : kind;
    const parts = [element('rect', { x, y: 70, width: 12, height: 12, fill: colour.get(kind) ?? '' }), label(x + 17, 80, name)];
    x += 34 + name.length * 7;
    return parts;
  });
  return [
    ...entries,
    element('line', { x1: x + 4, y1: 68, x2: x + 4, y2: 84, stroke: '#000000', 'stroke-width': 2 }),
    label(x + 12, 80, 'floor'),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
