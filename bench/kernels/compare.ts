import { table } from '../../src/terminal/table.js';
import { SUITE_FORMAT, type SuiteRecord } from './record.js';
import { caseMs } from './report.js';
import type { Statistics } from './statistics.js';

/** One thing that two records measured. */
export interface Comparison {
  readonly name: string;
  readonly oldMs: number;
  readonly newMs: number;
  /** Old over new: above 1 the new one is faster. */
  readonly speedup: number;
  /** `same` where the middle halves of the samples overlap: the difference may be noise. */
  readonly verdict: 'faster' | 'slower' | 'same';
}

export interface ComparisonReport {
  readonly comparisons: readonly Comparison[];
  /** Cases that one of the records does not have: kernels were fused, split or filtered away. */
  readonly onlyOld: readonly string[];
  readonly onlyNew: readonly string[];
  /** What else differs and may explain the ratios. */
  readonly remarks: readonly string[];
}

export function judge(before: Statistics, after: Statistics): Comparison['verdict'] {
  if (after.p75 < before.p25) return 'faster';
  if (after.p25 > before.p75) return 'slower';
  return 'same';
}

/** @throws TypeError where the records are not of the same decision. */
export function compareRecords(before: SuiteRecord, after: SuiteRecord): ComparisonReport {
  for (const key of ['size', 'batch', 'horizon', 'steps', 'clock'] as const) {
    if (before[key] !== after[key]) {
      throw new TypeError(`the records cannot be compared: ${key} was ${before[key]}, now it is ${after[key]}`);
    }
  }
  const [picture, other] = [before, after].map((record) => JSON.stringify(record.picture) ?? 'a decision');
  if (picture !== other) throw new TypeError(`the records cannot be compared: what was measured was ${picture}, now it is ${other}`);
  const [old, now] = [timings(before), timings(after)];
  return {
    comparisons: [...now].flatMap(([name, { timing, times }]): Comparison[] => {
      const found = old.get(name);
      if (!found) return [];
      const [oldMs, newMs] = [found.timing.p50 * found.times, timing.p50 * times];
      // Per decision, so that the same layer in more or fewer dispatches still compares. Both may be below the clock's tick.
      const speedup = oldMs === newMs ? 1 : oldMs / newMs;
      return [{ name, oldMs, newMs, speedup, verdict: judge(scaled(found.timing, found.times), scaled(timing, times)) }];
    }),
    onlyOld: [...old.keys()].filter((name) => !now.has(name)),
    onlyNew: [...now.keys()].filter((name) => !old.has(name)),
    remarks: remarks(before, after),
  };
}

interface Timed {
  readonly timing: Statistics;
  readonly times: number;
}

function timings(record: SuiteRecord): Map<string, Timed> {
  const entries: [string, Timed][] = [
    ...record.stream.map(({ name, run }): [string, Timed] => [`stream ${name}`, { timing: run, times: 1 }]),
    ...record.overheads.map(({ name, each }): [string, Timed] => [name, { timing: each, times: 1 }]),
  ];
  for (const { precision, cases, decision } of record.precisions) {
    for (const found of cases) entries.push([`${precision} ${found.id}`, { timing: found.dispatch, times: found.perDecision }]);
    const total = cases.reduce((sum, found) => sum + caseMs(found), 0);
    if (record.filter === '') entries.push([`${precision} sum of kernels`, { timing: flat(total), times: 1 }]);
    if (decision) entries.push([`${precision} decision`, { timing: decision, times: 1 }]);
  }
  return new Map(entries);
}

/** A number without a spread. */
function flat(ms: number): Statistics {
  return { count: 1, p25: ms, p50: ms, p75: ms, p95: ms, p99: ms };
}

function scaled(timing: Statistics, times: number): Statistics {
  const { count, p25, p50, p75, p95, p99 } = timing;
  return { count, p25: p25 * times, p50: p50 * times, p75: p75 * times, p95: p95 * times, p99: p99 * times };
}

function remarks(before: SuiteRecord, after: SuiteRecord): string[] {
  const facts: [string, string, string][] = [
    ['adapter', before.adapter.description, after.adapter.description],
    ['profile', before.profile, after.profile],
    ['commit', before.environment.commit ?? 'unknown', after.environment.commit ?? 'unknown'],
    ['load average', before.environment.loadAverage.join(' '), after.environment.loadAverage.join(' ')],
  ];
  return facts.filter(([, old, now]) => old !== now).map(([name, old, now]) => `${name}: ${old} → ${now}`);
}

/** Reads a record of this suite. @throws TypeError for any other JSON. */
export function parseRecord(text: string, name: string): SuiteRecord {
  const value = JSON.parse(text) as Partial<SuiteRecord> | null;
  if (value?.format !== SUITE_FORMAT) {
    throw new TypeError(`${name} is no record of this suite: expected "format": "${SUITE_FORMAT}". Write one with --output.`);
  }
  return value as SuiteRecord;
}

const MARKS: Readonly<Record<Comparison['verdict'], string>> = { faster: '+', slower: '−', same: '' };

export function comparisonReport({ comparisons, onlyOld, onlyNew, remarks: notes }: ComparisonReport): string {
  const ms = (value: number): string => `${value.toPrecision(4)} ms`;
  const rows = comparisons.map(({ name, oldMs, newMs, speedup, verdict }) => [
    name,
    ms(oldMs),
    ms(newMs),
    `${speedup.toFixed(2)} ×`,
    MARKS[verdict],
  ]);
  return [
    table(['per decision', 'old', 'new', 'old / new', ''], rows),
    '+ faster, − slower: the middle halves of the samples do not overlap. Without a mark the difference may be noise.',
    ...(onlyOld.length > 0 ? [`only in the old record: ${onlyOld.join(', ')}`] : []),
    ...(onlyNew.length > 0 ? [`only in the new record: ${onlyNew.join(', ')}`] : []),
    ...notes,
  ].join('\n');
}
