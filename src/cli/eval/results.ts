import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { renderReport } from '../../evaluation/report/render.js';

/** Writes the record and its report into a folder; returns what to tell of them, line by line. */
export async function writeResults(output: string, record: EvaluationRecord): Promise<string[]> {
  await mkdir(output, { recursive: true });
  const [json, html] = [join(output, 'evaluation.json'), join(output, 'report.html')];
  await writeFile(json, `${JSON.stringify(record)}\n`);
  await writeFile(html, renderReport(record));
  return [`report  ${html}`, `record  ${json}`];
}
