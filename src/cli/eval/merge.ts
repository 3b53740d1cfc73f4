import { statSync } from 'node:fs';
import { join } from 'node:path';
import { checkRecord } from '../../evaluation/check.js';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { mergeShards, type RecordPart } from '../../evaluation/shards.js';
import { checkScores } from '../../evaluation/summary.js';
import { OptionError } from '../../foundation/errors.js';
import { ofFile, SetupError } from '../../foundation/setup-error.js';
import { fileProblem } from '../../platform/node/file-problem.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { UsageError } from '../../terminal/options.js';
import { lockFolder } from '../folder-lock.js';
import { outputFolderOption } from '../output-options.js';
import { ownRecord, readRecord } from './own-record.js';
import { readReference } from './reference.js';
import { presentOutcome, RESULT_FILES } from './results.js';
import { taskScene } from './tasks.js';

const OPTIONS = { output: { type: 'string' }, compare: { type: 'string' }, json: { type: 'boolean' } } as const;

/** `warmstep eval merge PART…`: joins the records of all parts, and presents them as the undivided evaluation does. */
export async function mergeEvaluations(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  if (positionals.length === 0) throw new UsageError('eval merge: give the folders of all parts, evaluation-TASK-*-of-N');
  const reference = values.compare === undefined ? undefined : readReference(values.compare);
  const parts = await Promise.all(positionals.map(readPart));
  const record = mergeShards(parts);
  const place = values.output ?? `evaluation-${record.task.replaceAll('/', '-')}`;
  // The same merged again.
  const own = ownRecord(place, (found) => identity(found) === identity(record));
  const output = await outputFolderOption('output', place, Object.values(RESULT_FILES), own);
  const lock = lockFolder(output);
  try {
    return await presentOutcome(output, record, reference, values.json === true);
  } finally {
    lock.release();
  }
}

/** What tells an evaluation from another one, and from a part of it. */
function identity({ task, seed, episodes, strategies, shard }: EvaluationRecord): string {
  return JSON.stringify([task, seed, episodes, strategies?.map(({ name }) => name), shard]);
}

/** `path`: the folder of a part, or its record. @throws SetupError. */
async function readPart(path: string): Promise<RecordPart> {
  const name = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, RESULT_FILES.record) : path;
  let record: EvaluationRecord;
  try {
    record = readRecord(name);
  } catch (error) {
    throw new SetupError(
      `${name} cannot be read as the record of a part (${fileProblem(error)}): give the folder that \`warmstep eval … --shard K/N\` wrote; ` +
        'a part that was interrupted has none before the same command has ended it.',
    );
  }
  await ofFile(() => checkRecord(name, record));
  await ofFile(() => checkPresentable(record), name);
  return { name, record };
}

/** What a report asks of a record besides: said here of the one file that lacks it, and not of all that are merged. @throws OptionError. */
function checkPresentable({ task, episodes, strategies }: EvaluationRecord): void {
  if (strategies.length === 0 || episodes === 0) {
    throw new OptionError(`expected strategies and episodes, found ${strategies.length} and ${episodes}: run this part again.`);
  }
  for (const { name, episodes: played } of strategies) {
    checkScores(
      name,
      played.map(({ score }) => score),
    );
  }
  // That it has one.
  taskScene(task);
}
