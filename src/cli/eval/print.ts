import type { EvaluationRecord } from '../../evaluation/record.js';
import { trained } from '../../evaluation/report/format.js';
import { type Agreement, type StrategySummary, summarize } from '../../evaluation/summary.js';
import { visible } from '../../foundation/visible.js';
import { milliseconds } from '../../terminal/format.js';
import { facts, table } from '../../terminal/table.js';
import { leftOutLines } from './presets.js';

const HEADER = [
  'strategy',
  'score',
  '95 % interval',
  'success',
  'Δ score',
  'its interval',
  'evaluations',
  'per tick',
  'weights',
  'dispatches',
  'trained',
  'p50',
  'p95',
  'p99',
  'n',
  'first',
  'jump',
  'stalls',
  'failed',
];

/** The numbers of an evaluation for people. */
function evaluationTable(summaries: readonly StrategySummary[]): string {
  return table(
    HEADER,
    summaries.map((row) => [
      row.name,
      row.score.mean.toFixed(3),
      interval(row.score.interval),
      row.successRate.mean.toFixed(2),
      signed(row.difference?.mean),
      row.difference ? interval(row.difference.interval) : '–',
      row.evaluationsPerDecision?.toFixed(1) ?? '–',
      row.evaluationsPerTick?.toFixed(2) ?? '–',
      row.cost ? `${(row.cost.weightBytes / 1e6).toFixed(1)} MB` : '–',
      row.cost ? String(row.cost.dispatches) : '–',
      row.cost ? trained(row.cost.trainedParameters) : '–',
      time(row.latency?.p50),
      time(row.latency?.p95),
      time(row.latency?.p99),
      String(row.latency?.count ?? '–'),
      time(row.coldLatency?.p50),
      row.jump?.toFixed(3) ?? '–',
      row.stallsPerEpisode.toFixed(1),
      String(row.failures),
    ]),
  );
}

/** Table, and what its columns mean. */
export function evaluationReport(record: EvaluationRecord): string {
  const { policy, adapter } = record;
  const last = record.seed + record.episodes - 1;
  return [
    facts([
      ['policy', `${policy.name}, ${(policy.parameters / 1e6).toFixed(1)} million parameters, ${record.precision} weights`],
      ['adapter', `${adapter.description}${adapter.isSoftware ? ' (software: times say nothing about a GPU)' : ''}`],
      ['task', `${record.task}, seeds ${record.seed} to ${last}, at most ${record.maxTicks} ticks${partOf(record)}`],
    ]),
    evaluationTable(summarize(record)),
    [
      'score        mean over episodes of the largest reward, 0 to 1; interval by bootstrap',
      'Δ score      paired difference to the first strategy on the same seeds',
      'evaluations  of the U-Net per decision, first decisions included; per tick: per control step',
      'weights      read by the dispatches of a usual decision, alone and without image encoders; trained: parameters beside the policy',
      'p50 … n      latency of single decisions after the first, in closed loop; first: of first decisions, where they differ',
      'jump         from the last executed action to the first of the next decision, normalised',
    ].join('\n'),
    ...(record.leftOut?.length
      ? [
          leftOutLines(record.leftOut)
            .map((line) => visible(`not evaluated: ${line}`))
            .join('\n'),
        ]
      : []),
  ].join('\n\n');
}

function partOf({ shard }: EvaluationRecord): string {
  return shard ? `; part ${shard.index} of ${shard.count}: "warmstep eval merge" joins all` : '';
}

/** How an evaluation agrees with scores by another implementation. */
export function agreementTable(agreements: readonly Agreement[]): string {
  return table(
    ['strategy', 'score', 'reference', 'difference', 'bound', ''],
    agreements.map((row) => [
      row.name,
      row.mean.toFixed(3),
      row.referenceMean.toFixed(3),
      signed(row.difference),
      row.bound.toFixed(3),
      row.agrees ? 'agrees' : 'DIFFERS',
    ]),
  );
}

function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${decimal(low)} … ${decimal(high)}`;
}

function signed(value: number | undefined): string {
  return value === undefined ? '–' : `${value < 0 ? '' : '+'}${decimal(value)}`;
}

/** With a minus sign, not a hyphen. */
function decimal(value: number): string {
  return value.toFixed(3).replace('-', '−');
}

function time(value: number | undefined): string {
  return value === undefined ? '–' : milliseconds(value);
}
