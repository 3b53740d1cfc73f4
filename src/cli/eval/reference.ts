import { isScore } from '../../evaluation/episode-check.js';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { type Agreement, compareWithReference, type ReferenceScores } from '../../evaluation/summary.js';
import { SetupError } from '../../foundation/setup-error.js';
import { fileProblem } from '../../platform/node/file-problem.js';
import { readRegularFile } from '../../platform/node/regular-file.js';
import { print, printAside } from '../../terminal/output.js';
import { bundledCheckpoint } from '../checkpoint-folders.js';
import { agreementTable } from './print.js';

/** Far more than scores of the longest evaluation take. */
const MOST_BYTES = 100_000_000;

/** Scores of another implementation. Read before anything runs: what is wrong with them is better known now than after an hour. */
export function readReference(file: string): ReferenceScores {
  const found = parsed(file) as Partial<ReferenceScores> | null;
  const entries = Object.entries(found?.scores ?? {});
  const isList = (values: unknown): boolean => Array.isArray(values) && values.every(isScore);
  const [name] = entries.find(([, entry]) => !isList((entry as Partial<typeof entry> | null)?.per_episode)) ?? [];
  if (entries.length === 0 || name !== undefined) {
    const what = name === undefined ? 'no "scores"' : `no list of numbers from 0 to 1 at scores["${name}"].per_episode`;
    throw new SetupError(`--compare: ${file} has ${what}: give a file such as ${bundledCheckpoint().scores}`);
  }
  return found as ReferenceScores;
}

/** Prints a comparison. Whether all that could be compared agrees, and something could. */
export function presentAgreement(record: EvaluationRecord, reference: ReferenceScores, json: boolean): boolean {
  const agreements = compareWithReference(record, reference);
  const report = agreementReport(record, agreements);
  if (json) printAside(report);
  else print(`\n${report}`);
  return agreements.length > 0 && agreements.every(({ agrees }) => agrees);
}

/** What a comparison came to, for people; strategies that could not be compared are named. */
function agreementReport({ strategies }: EvaluationRecord, agreements: readonly Agreement[]): string {
  const left = strategies.filter(({ name }) => !agreements.some((row) => row.name === name)).map(({ name }) => name);
  return [
    ...(agreements.length === 0 ? [] : [agreementTable(agreements)]),
    ...(left.length === 0 ? [] : [`not compared: ${left.join(', ')}; it takes scores of the same name and two episodes at least, of both`]),
  ].join('\n');
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readRegularFile(file, MOST_BYTES).toString('utf8'));
  } catch (error) {
    throw new SetupError(
      `--compare: ${file} cannot be read as JSON (${fileProblem(error)}): give a file such as ${bundledCheckpoint().scores}`,
    );
  }
}
