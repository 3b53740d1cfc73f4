import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { renderReport } from '../../evaluation/report/render.js';
import { UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { evaluationReport } from './print.js';

/** The folder that results go to, made where it is missing. Before anything runs: results must have a place. */
export async function outputFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`--output: nothing can be written into ${folder} (${(error as Error).message}): give another folder`);
  }
  return folder;
}

/** Writes the record and its report into a folder that is there, prints them, and says which episodes failed. */
export async function presentResults(output: string, record: EvaluationRecord, json: boolean): Promise<void> {
  const files = { record: join(output, 'evaluation.json'), report: join(output, 'report.html') };
  await writeFile(files.record, `${JSON.stringify(record)}\n`);
  await writeFile(files.report, renderReport(record));
  if (json) printJson(record);
  else print(`${evaluationReport(record)}\n\nreport  ${files.report}\nrecord  ${files.record}`);
  failureNotes(record).forEach(printNote);
}

/** Of every strategy with episodes that failed, how many, and why the first of them did. */
function failureNotes({ strategies }: EvaluationRecord): string[] {
  return strategies.flatMap(({ name, episodes }) => {
    const failed = episodes.filter(({ failure }) => failure !== undefined);
    const [first] = failed;
    return first ? [`${name}: ${failed.length} of ${episodes.length} episodes failed; seed ${first.seed}: ${first.failure}`] : [];
  });
}
