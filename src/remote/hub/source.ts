import type { CheckpointSource } from '../../checkpoints/source.js';
import { urlSource } from '../url-source.js';
import { checkpointFiles } from './checkpoint-files.js';
import { fileUrl, type HubAccess, hubRevision } from './client.js';
import { type HubReference, hubText } from './reference.js';

/**
 * A checkpoint folder on the Hub, read over the network as it is needed and kept nowhere: for runtimes without a disk. The
 * revision is settled at once, so that all files are of one commit.
 * @throws DownloadError.
 */
export async function hubUrlSource(
  reference: HubReference,
  access: HubAccess,
  onProgress?: (done: number, total: number) => void,
): Promise<CheckpointSource> {
  const revision = await hubRevision(reference, access);
  const paths = checkpointFiles(reference, revision);
  const { folder } = reference;
  const base = fileUrl(reference, revision.commit, folder, access.endpoint);
  const source = urlSource(base, {
    files: paths.map((path) => path.slice(folder === '' ? 0 : folder.length + 1)),
    ...(access.token === undefined ? {} : { headers: { authorization: `Bearer ${access.token}` } }),
    ...(access.signal ? { signal: access.signal } : {}),
    ...(access.fetch ? { fetch: access.fetch } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  return { ...source, name: hubText(reference) };
}
