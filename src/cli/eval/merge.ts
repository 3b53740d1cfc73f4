import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { mergeShards, type RecordPart } from '../../evaluation/shards.js';
import { SetupError } from '../../foundation/setup-error.js';
import { readRegularFile } from '../../platform/node/regular-file.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { UsageError } from '../../terminal/options.js';
import { outputFolderOption } from '../output-options.js';
import { lockFolder } from './folder-lock.js';
import { readReference } from './reference.js';
import { presentOutcome, RESULT_FILES } from './results.js';

/** What a text can hold. */
const MOST_BYTES = 500_000_000;

const OPTIONS = { output: { type: 'string' }, compare: { type: 'string' }, json: { type: 'boolean' } } as const;

/** `warmstep eval merge PART…`: joins the records of all parts, and presents them as the undivided evaluation does. */
export async function mergeEvaluations(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  if (positionals.length === 0) throw new UsageError('eval merge: give the folders of all parts, evaluation-TASK-*-of-N');
  const reference = values.compare === undefined ? undefined : readReference(values.compare);
  const record = mergeShards(positionals.map(readPart));
  const place = values.output ?? `evaluation-${record.task.replaceAll('/', '-')}`;
  refuseEvaluation(place, record);
  const output = await outputFolderOption('output', place, Object.values(RESULT_FILES), { spared: [RESULT_FILES.record] });
  const lock = lockFolder(output);
  try {
    return await presentOutcome(output, record, reference, values.json === true);
  } finally {
    lock.release();
  }
}

/** What was merged has no journal: a folder with one is of a part, or of another evaluation. The same merged again may be written over. */
function refuseEvaluation(folder: string, merged: EvaluationRecord): void {
  const { journal, record } = RESULT_FILES;
  const file = [journal, record].find((name) => existsSync(join(folder, name)));
  if (file === undefined || (file === record && identity(readPart(folder).record) === identity(merged))) return;
  throw new UsageError(`--output: ${folder} holds another evaluation (${file}), which would be written over: name another folder.`);
}

/** What tells an evaluation from another one, and from a part of it. */
function identity({ task, seed, episodes, strategies, shard }: EvaluationRecord): string {
  return JSON.stringify([task, seed, episodes, strategies?.map(({ name }) => name), shard]);
}

/** `path`: the folder of a part, or its record. */
function readPart(path: string): RecordPart {
  const name = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, RESULT_FILES.record) : path;
  try {
    return { name, record: JSON.parse(readRegularFile(name, MOST_BYTES).toString('utf8')) as EvaluationRecord };
  } catch (error) {
    throw new SetupError(
      `${name} cannot be read as the record of a part (${(error as Error).message}): give the folder that \`warmstep eval … --shard K/N\` wrote; ` +
        'a part that was interrupted has none before the same command has ended it.',
    );
  }
}
