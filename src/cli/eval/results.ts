import { join } from 'node:path';
import type { EpisodeRecord, EvaluationRecord } from '../../evaluation/record.js';
import { renderReport } from '../../evaluation/report/render.js';
import type { ReferenceScores } from '../../evaluation/summary.js';
import { visible, visibleJson } from '../../foundation/visible.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { evaluationReport } from './print.js';
import { presentAgreement } from './reference.js';
import { taskScene } from './tasks.js';

/** What an evaluation leaves in its folder. */
export const RESULT_FILES = { journal: 'episodes.jsonl', record: 'evaluation.json', report: 'report.html' } as const;

/**
 * Writes the record and its report into a folder that is there, prints them, and says which episodes failed. Whether every
 * strategy has episodes that did not: one without says nothing, whatever its numbers are.
 */
async function presentResults(output: string, record: EvaluationRecord, json: boolean): Promise<boolean> {
  const files = { record: join(output, RESULT_FILES.record), report: join(output, RESULT_FILES.report) };
  await writeOutputFile(files.record, `${visibleJson(record)}\n`);
  await writeOutputFile(files.report, renderReport(record, taskScene(record.task)));
  if (json) printJson(record);
  else print(`${evaluationReport(record)}\n\nreport  ${visible(files.report)}\nrecord  ${visible(files.record)}`);
  for (const { name, episodes } of record.strategies) {
    const note = failureNote(name, episodes);
    if (note !== undefined) printNote(note);
  }
  return record.strategies.every(({ episodes }) => episodes.some(({ failure }) => failure === undefined));
}

/** How many of some episodes failed, and why the first of them did; undefined where none did. */
export function failureNote(name: string, episodes: readonly EpisodeRecord[]): string | undefined {
  const failed = episodes.filter(({ failure }) => failure !== undefined);
  const [first] = failed;
  return first && `${name}: ${failed.length} of ${episodes.length} episodes failed; seed ${first.seed}: ${first.failure}`;
}

/**
 * Presents a record, and how it agrees with another implementation's scores where some are given. The exit code: 0 where every strategy has
 * episodes that did not fail, and all that is compared agrees.
 */
export async function presentOutcome(
  output: string,
  record: EvaluationRecord,
  reference: ReferenceScores | undefined,
  json: boolean,
): Promise<number> {
  const isSound = await presentResults(output, record, json);
  const agrees = reference === undefined || presentAgreement(record, reference, json);
  return isSound && agrees ? 0 : 1;
}
