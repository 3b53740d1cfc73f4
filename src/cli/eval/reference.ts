import { readFileSync } from 'node:fs';
import type { EvaluationRecord } from '../../evaluation/record.js';
import type { Agreement, ReferenceScores } from '../../evaluation/summary.js';
import { UsageError } from '../../terminal/options.js';
import { agreementTable } from './print.js';

/** Scores of another implementation. Read before anything runs: what is wrong with them is better known now than after an hour. */
export function readReference(file: string): ReferenceScores {
  const found = parsed(file) as Partial<ReferenceScores> | null;
  const entries = Object.entries(found?.scores ?? {});
  const isList = (values: unknown): boolean => Array.isArray(values) && values.every((value) => Number.isFinite(value));
  const [name] = entries.find(([, entry]) => !isList((entry as Partial<typeof entry> | null)?.per_episode)) ?? [];
  if (entries.length === 0 || name !== undefined) {
    const what = name === undefined ? 'no "scores"' : `no list of numbers at scores["${name}"].per_episode`;
    throw new UsageError(`--compare: ${file} has ${what}: give a file such as checkpoints/pusht-state/scores.json`);
  }
  return found as ReferenceScores;
}

/** What a comparison came to, for people; strategies that could not be compared are named. */
export function agreementReport({ strategies }: EvaluationRecord, agreements: readonly Agreement[]): string {
  const left = strategies.filter(({ name }) => !agreements.some((row) => row.name === name)).map(({ name }) => name);
  return [
    ...(agreements.length === 0 ? [] : [agreementTable(agreements)]),
    ...(left.length === 0 ? [] : [`not compared: ${left.join(', ')}; it takes scores of the same name and two episodes at least, of both`]),
  ].join('\n');
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `--compare: ${file} cannot be read as JSON (${(error as Error).message}): give a file such as checkpoints/pusht-state/scores.json`,
    );
  }
}
