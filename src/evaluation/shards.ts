import { OptionError } from '../foundation/errors.js';
import { SetupError } from '../foundation/setup-error.js';
import { checkRecord } from './check.js';
import type { EpisodeRecord, EvaluationRecord, LatencyRecord, RecordShard, StrategyRecord } from './record.js';

/** Part `index` of `count` of an evaluation, counted from 1. Parts take seeds in turn, so that all take about as long. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** All of an evaluation, as its only part. */
export const WHOLE: Shard = { index: 1, count: 1 };

/** Seeds of a part of an evaluation over `episodes` seeds from `first`, ascending. */
export function seedsOf(first: number, episodes: number, { index, count }: Shard): number[] {
  return Array.from({ length: episodes }, (_, i) => i).flatMap((i) => (i % count === index - 1 ? [first + i] : []));
}

/** A record of a part, and what it is called in messages: its file. */
export interface RecordPart {
  readonly name: string;
  readonly record: EvaluationRecord;
}

/**
 * Joins the records of all parts of an evaluation, in any order, to that of the undivided one: every number of every episode is
 * the same, because episodes do not depend on what runs beside them. Latencies are those of the part that measured them, the
 * date is that of the last part.
 * @throws OptionError where a part is there twice; SetupError where parts are missing, belong to different evaluations, or lack episodes: which, and why.
 */
export function mergeShards(parts: readonly RecordPart[]): EvaluationRecord {
  const ordered = orderedParts(parts);
  const [first, ...others] = ordered as [RecordPart, ...RecordPart[]];
  for (const part of others) assertSameEvaluation(first, part);
  for (const part of ordered) assertComplete(part);
  const { shard: _shard, ...whole } = first.record;
  const dates = ordered.map(({ record }) => record.date).sort();
  return {
    ...whole,
    date: dates.at(-1) as string,
    strategies: first.record.strategies.map((_, i) => mergeStrategy(ordered.map(({ record }) => record.strategies[i] as StrategyRecord))),
  };
}

/** The parts from 1 to the last, each once. */
function orderedParts(parts: readonly RecordPart[]): RecordPart[] {
  const found = new Map<number, RecordPart>();
  let count: number | undefined;
  for (const part of parts) {
    checkRecord(part.name, part.record);
    const shard = shardOf(part);
    count ??= shard.count;
    if (shard.count !== count) {
      throw new SetupError(
        `${part.name} is one of ${shard.count} parts, ${parts[0]?.name} one of ${count}: give the parts of one evaluation.`,
      );
    }
    const other = found.get(shard.index);
    if (other) throw new OptionError(`${other.name} and ${part.name} are both part ${shard.index} of ${count}: give each part once.`);
    found.set(shard.index, part);
  }
  if (count === undefined) throw new SetupError('there are no parts to merge: give the folders that `warmstep eval … --shard K/N` wrote.');
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !found.has(index));
  if (missing.length > 0)
    throw new SetupError(`of ${count} parts, ${listed(missing)} missing: run with --shard ${missing[0]}/${count}, and give all.`);
  return [...found.values()].sort((a, b) => shardOf(a).index - shardOf(b).index);
}

function shardOf({ name, record }: RecordPart): RecordShard {
  if (!record.shard)
    throw new SetupError(`${name} is a whole evaluation, and no part of one: give what \`warmstep eval … --shard K/N\` wrote.`);
  return record.shard;
}

const NAMED = 10;

function listed(indices: readonly number[]): string {
  const more = indices.length - NAMED;
  return `${indices.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''} ${indices.length === 1 ? 'is' : 'are'}`;
}

/** Everything that has to be equal, by the words for it. */
function facts({ shard, strategies, grids, ...record }: EvaluationRecord): Map<string, string> {
  const { task, maxTicks, simulator, seed, episodes, precision, softwareVersion, policy, adapter } = record;
  const shown = strategies.map(({ name, description, options }) => ({ name, description, options }));
  const all = {
    task,
    maxTicks,
    simulator,
    seed,
    episodes,
    precision,
    softwareVersion,
    policy,
    adapter,
    ...shard?.fingerprint,
    strategies: shown,
    grids,
  };
  return new Map(Object.entries(all).map(([name, value]) => [name, JSON.stringify(value)]));
}

function assertSameEvaluation(first: RecordPart, part: RecordPart): void {
  const expected = facts(first.record);
  const found = facts(part.record);
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [a, b] = [expected.get(name), found.get(name)];
    if (a === b) continue;
    throw new SetupError(
      `${first.name} and ${part.name} belong to different evaluations: ${name} is ${shortened(a)} in the first and ${shortened(b)} in the ` +
        'second. Run all parts by one version, with the same options but --shard, on adapters of one kind.',
    );
  }
}

const SHOWN_CHARACTERS = 200;

function shortened(text = 'none'): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** Each strategy has every seed of the part, once and in order. */
function assertComplete({ name, record }: RecordPart): void {
  const seeds = seedsOf(record.seed, record.episodes, record.shard as Shard);
  for (const strategy of record.strategies) {
    const found = strategy.episodes.map(({ seed }) => seed);
    const wrong = seeds.find((seed, i) => found[i] !== seed);
    if (wrong === undefined && found.length === seeds.length) continue;
    throw new SetupError(
      `${name}: the episodes of ${strategy.name} must be those of ${seeds.length} seeds of this part, in order; ` +
        `found ${found.length}${wrong === undefined ? '' : `, and not seed ${wrong} where it belongs`}. Run this part again.`,
    );
  }
}

function mergeStrategy(parts: readonly StrategyRecord[]): StrategyRecord {
  const { latency: _latency, coldLatency: _cold, ...rest } = parts[0] as StrategyRecord;
  const episodes = parts.flatMap((part): readonly EpisodeRecord[] => part.episodes).sort((a, b) => a.seed - b.seed);
  const measured = parts.find(({ latency, coldLatency }) => latency !== undefined || coldLatency !== undefined);
  return { ...rest, episodes, ...latencies(measured) };
}

function latencies(strategy: StrategyRecord | undefined): { latency?: LatencyRecord; coldLatency?: LatencyRecord } {
  const { latency, coldLatency } = strategy ?? {};
  return { ...(latency ? { latency } : {}), ...(coldLatency ? { coldLatency } : {}) };
}
