import { DownloadError } from '../../foundation/errors.js';
import type { HubRevision } from './client.js';
import { type HubReference, hubText } from './reference.js';

/** What a LeRobot data set is read from. */
const DATASET_FILE = /^(meta|data|videos|images)\/.+$/;
/** It is loaded last: where it is there, so is the rest. */
export const DATASET_INFO = 'meta/info.json';

/**
 * Paths of the files of a LeRobot data set, from the root of the repository, `meta/info.json` last.
 * @throws DownloadError where the folder holds none.
 */
export function datasetFiles(reference: HubReference, { files }: HubRevision): readonly string[] {
  const prefix = reference.folder === '' ? '' : `${reference.folder}/`;
  const inFolder = files.filter((path) => path.startsWith(prefix) && DATASET_FILE.test(path.slice(prefix.length)));
  const info = `${prefix}${DATASET_INFO}`;
  if (!inFolder.includes(info)) {
    throw new DownloadError(`${hubText(reference)}: expected ${DATASET_INFO} in this folder, found none. Is this a LeRobot data set?`);
  }
  return [...inFolder.filter((path) => path !== info), info];
}
