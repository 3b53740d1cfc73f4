import { summarize } from '../../src/foundation/statistics.js';
import { bytes, count, milliseconds } from '../../src/terminal/format.js';
import { facts, table } from '../../src/terminal/table.js';
import type { ControlRecord } from './control.js';
import type { First } from './first.js';
import type { Garbage } from './garbage.js';
import type { Samples } from './latency.js';
import { SPLIT_PACES, type Split, type SplitsByPace } from './split.js';
import { FLOOR_AHEAD, PACES, type Pace } from './subjects.js';

/** Statistics of a number of samples, in milliseconds. On a machine that others use too, the low ones say most. */
export interface LatencyRow {
  readonly subject: string;
  readonly pace: Pace;
  readonly count: number;
  readonly min: number;
  readonly p25: number;
  readonly p50: number;
  readonly p99: number;
  /** Median of the processor time. */
  readonly processorMs: number;
  /** Of plain Dawn with commands encoded ahead, at the same pace in the same minutes: what is this machine's shows there too. */
  readonly timesFloor: { readonly p50: number; readonly p99: number; readonly processor: number };
}

/** What was measured of one build. */
export interface EngineRecord {
  readonly name: string;
  readonly loadMs: number;
  readonly first: readonly First[];
  readonly split: SplitsByPace;
  readonly garbage: Garbage;
}

export interface HostRecord {
  readonly adapter: string;
  readonly machine: string;
  readonly date: string;
  readonly decision: string;
  readonly latency: readonly LatencyRow[];
  /** Of plain Dawn with commands encoded ahead: a write, a submit, a read-back and nothing else. */
  readonly floorSplit: SplitsByPace;
  readonly engines: readonly EngineRecord[];
  readonly control: readonly ControlRecord[];
}

export function latencyRows(samples: Samples): LatencyRow[] {
  return PACES.flatMap((pace) => {
    const rows = [...samples].flatMap(([subject, byPace]) => {
      const samples = byPace.get(pace) ?? [];
      const found = summarize(
        samples.map(({ ms }) => ms),
        ['count', 'min', 'p25', 'p50', 'p99'],
      );
      const processor = summarize(
        samples.map(({ processorMs }) => processorMs),
        ['p50'],
      );
      return found && processor ? [{ subject, pace, ...found, processorMs: processor.p50 }] : [];
    });
    const floor = rows.find(({ subject }) => subject === FLOOR_AHEAD);
    return rows.map((row) => ({
      ...row,
      timesFloor: {
        p50: row.p50 / (floor?.p50 ?? NaN),
        p99: row.p99 / (floor?.p99 ?? NaN),
        processor: row.processorMs / (floor?.processorMs ?? NaN),
      },
    }));
  });
}

const SPLIT_ROWS: readonly (readonly [string, keyof Split])[] = [
  ['checks, observations, strategy, promises', 'strategyMs'],
  ['noise (measured apart)', 'noiseMs'],
  ['staging (measured apart)', 'stagingMs'],
  ['commands encoded within', 'encodeMs'],
  ['write', 'writeMs'],
  ['submit', 'submitMs'],
  ['wake-up: map, until it is known', 'wakeMs'],
  ['  meanwhile: commands of the next', 'meanwhileMs'],
  ['read-back', 'readMs'],
  ['result, promises', 'promisesMs'],
  ['from the call to the actions', 'totalMs'],
];

/** The record for people. */
export function report({ adapter, machine, date, decision, latency, floorSplit, engines, control }: HostRecord): string {
  const names = engines.map(({ name }) => name);
  const each = (cell: (engine: EngineRecord) => string): string[] => engines.map(cell);
  return [
    facts([
      ['adapter', adapter],
      ['machine', machine],
      ['decision', decision],
      ['date', date],
    ]),
    table(
      ['pace', 'what', 'samples', 'min', 'p25', 'p50', 'p99', 'processor p50', 'p50 × plain', 'p99 × plain', 'processor × plain'],
      latency.map((row) => [
        row.pace,
        row.subject,
        count(row.count),
        ...[row.min, row.p25, row.p50, row.p99, row.processorMs].map(milliseconds),
        ...[row.timesFloor.p50, row.timesFloor.p99, row.timesFloor.processor].map((times) => times.toFixed(2)),
      ]),
    ),
    ...SPLIT_PACES.map((pace) =>
      table(
        [`where the time goes, ${pace}, medians`, 'plain Dawn', ...names],
        SPLIT_ROWS.map(([title, part]) => [
          title,
          milliseconds(floorSplit[pace][part]),
          ...each(({ split }) => milliseconds(split[pace][part])),
        ]),
      ),
    ),
    table(
      ['garbage', ...names],
      [
        ['a decision', ...each(({ garbage }) => bytes(garbage.bytesPerDecision))],
        ['decisions', ...each(({ garbage }) => count(garbage.decisions))],
        ['minor collections', ...each(({ garbage }) => count(garbage.minorCollections))],
        ['major collections', ...each(({ garbage }) => count(garbage.majorCollections))],
        ['longest', ...each(({ garbage }) => milliseconds(garbage.longestCollectionMs))],
      ],
    ),
    table(
      ['first decision after', ...names.flatMap((name) => [name, 'median', '×'])],
      (engines[0]?.first ?? []).map(({ after }, index) => [
        after,
        ...engines.flatMap(({ first }) => {
          const { firstMs = 0, medianMs = 1 } = first[index] ?? {};
          return [milliseconds(firstMs), milliseconds(medianMs), (firstMs / medianMs).toFixed(1)];
        }),
      ]),
    ),
    table(
      ['ControlLoop at 50 Hz', 'ticks', 'skipped', 'jitter p50', 'p95', 'p99', 'decision p50', 'p99', 'garbage a tick'],
      control.map(({ name, skippedTicks, jitterMs, decisionMs, bytesPerTick }) => [
        name,
        count(jitterMs.count),
        count(skippedTicks),
        ...[jitterMs.p50, jitterMs.p95, jitterMs.p99, decisionMs.p50, decisionMs.p99].map(milliseconds),
        bytes(bytesPerTick),
      ]),
    ),
    table(
      ['where the time goes in that loop, medians', ...names],
      SPLIT_ROWS.filter(([, part]) => part !== 'noiseMs' && part !== 'stagingMs').map(([title, part]) => [
        title,
        ...control.flatMap(({ split }) => (split ? [milliseconds(split[part as keyof typeof split])] : [])),
      ]),
    ),
  ].join('\n\n');
}
