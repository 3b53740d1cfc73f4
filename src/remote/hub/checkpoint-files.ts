import { DownloadError } from '../../foundation/errors.js';
import type { HubRevision } from './client.js';
import { type HubReference, hubText } from './reference.js';

/** What a checkpoint folder is read from: configuration, processors with their statistics, weights. Nothing else is loaded. */
const CHECKPOINT_FILE = /^(config\.json|model\.safetensors(\.index\.json)?|[\w.-]*processor[\w.-]*\.(json|safetensors))$/;

/**
 * Paths of the files of a checkpoint folder, from the root of the repository, the weights last: where they are there, so is the rest.
 * @throws DownloadError where the folder holds no checkpoint, naming folders of the repository that do.
 */
export function checkpointFiles(reference: HubReference, { files }: HubRevision): readonly string[] {
  const prefix = reference.folder === '' ? '' : `${reference.folder}/`;
  const inFolder = files.filter((path) => path.startsWith(prefix) && CHECKPOINT_FILE.test(path.slice(prefix.length)));
  if (!inFolder.includes(`${prefix}config.json`)) {
    const folders = files.filter((path) => path.endsWith('/config.json')).map((path) => path.slice(0, -'/config.json'.length));
    const found = folders.length === 0 ? 'none in the whole repository' : `config.json in ${folders.slice(0, 6).join(', ')}`;
    const advice = folders.length === 0 ? 'Is this a LeRobot checkpoint?' : `Write ${hubText({ ...reference, folder: folders[0] ?? '' })}.`;
    throw new DownloadError(`${hubText(reference)}: expected config.json in this folder, found ${found}. ${advice}`);
  }
  return [...inFolder.filter((path) => !isWeights(path)), ...inFolder.filter(isWeights)];
}

function isWeights(path: string): boolean {
  return path.endsWith('model.safetensors');
}
