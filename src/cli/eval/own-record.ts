import { join } from 'node:path';
import type { EvaluationRecord } from '../../evaluation/record.js';
import { readRegularFile } from '../../platform/node/regular-file.js';
import type { OwnFiles } from '../precious.js';
import { RESULT_FILES } from './results.js';

/** What a text can hold. */
const MOST_BYTES = 500_000_000;

/** @throws Error that says why the file cannot be read as JSON. */
export function readRecord(file: string): EvaluationRecord {
  return JSON.parse(readRegularFile(file, MOST_BYTES).toString('utf8')) as EvaluationRecord;
}

/** For commands that leave no journal: the record of an evaluation in the folder is their own where it is the `same`. */
export function ownRecord(folder: string, same: (found: EvaluationRecord) => boolean): OwnFiles {
  const isSame = (): boolean => {
    try {
      return same(readRecord(join(folder, RESULT_FILES.record)));
    } catch {
      // What cannot be read is nobody's.
      return false;
    }
  };
  return { isOwn: (file) => file === RESULT_FILES.record && isSame() };
}
