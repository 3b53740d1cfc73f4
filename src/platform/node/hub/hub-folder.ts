import { join } from 'node:path';
import type { AbortSignalLike } from '../../../foundation/abort-signal.js';
import { DownloadError } from '../../../foundation/errors.js';
import { type Fetch, NetworkError } from '../../../remote/http.js';
import { checkpointFiles } from '../../../remote/hub/checkpoint-files.js';
import { fileUrl, type HubAccess, hubFile, hubRevision } from '../../../remote/hub/client.js';
import { DATASET_INFO, datasetFiles } from '../../../remote/hub/dataset-files.js';
import { type HubReference, hubText } from '../../../remote/hub/reference.js';
import { fileProblem } from '../file-problem.js';
import { OutputError } from '../output-file.js';
import { HubCache } from './cache.js';
import { downloadBlob } from './download.js';
import { type HubSettings, hubSettings } from './settings.js';

export interface HubFolderOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Bytes that are here, of the bytes of all files. Not called where all was in the cache. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called when the network is down and an earlier state of the folder is taken from the cache. */
  readonly onWarning?: ((warning: string) => void) | undefined;
  /** Default: the environment's. */
  readonly settings?: HubSettings;
  readonly fetch?: Fetch;
}

/**
 * The folder on disk of a checkpoint, or of a data set, on the Hub: in the cache that Python's `huggingface_hub` uses, loaded where it is not there.
 * Offline (`HF_HUB_OFFLINE=1`), or where the network is down, what the cache has of that revision.
 * @throws DownloadError; OutputError where the cache cannot be written; the signal's reason.
 */
export async function hubFolder(reference: HubReference, options: HubFolderOptions = {}): Promise<string> {
  const settings = options.settings ?? (await hubSettings());
  const { signal } = options;
  const access: HubAccess = {
    endpoint: settings.endpoint,
    token: settings.token,
    signal,
    ...(options.fetch ? { fetch: options.fetch } : {}),
  };
  const cache = new HubCache(settings.cache, reference);
  if (settings.isOffline) return cached(cache, reference, 'HF_HUB_OFFLINE is set');
  try {
    return await loaded(cache, reference, access, options.onProgress);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NetworkError) {
      const folder = await cached(cache, reference, error.message, error);
      options.onWarning?.(
        `${hubText(reference)}: the Hub cannot be reached, so the state of an earlier download is used. ${error.message}`,
      );
      return folder;
    }
    // A folder that cannot be made comes in words already, whose advice is to give another place: here a variable gives it.
    const problem = error instanceof OutputError ? error.cause : error;
    const isSystems = error instanceof OutputError || (error as NodeJS.ErrnoException).code !== undefined;
    if (error instanceof DownloadError || !isSystems) throw error;
    throw new OutputError(
      `${settings.cache} cannot be written: ${fileProblem(problem)}. Free space, or set HF_HUB_CACHE to another folder.`,
      { cause: problem },
    );
  }
}

async function loaded(
  cache: HubCache,
  reference: HubReference,
  access: HubAccess,
  onProgress: HubFolderOptions['onProgress'],
): Promise<string> {
  const revision = await hubRevision(reference, access);
  const { commit } = revision;
  const missing: string[] = [];
  const wanted = reference.kind === 'dataset' ? datasetFiles : checkpointFiles;
  for (const path of wanted(reference, revision)) if (!(await cache.has(commit, path))) missing.push(path);
  // Sizes of all files first: what is shown is a part of the whole.
  const files = [];
  for (const path of missing) {
    const url = fileUrl(reference, commit, path, access.endpoint);
    files.push({ path, url, file: await hubFile(url, reference, access) });
  }
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    if (bytes !== 0) onProgress?.(done, total);
  };
  for (const { path, url, file } of files) {
    if (await cache.hasBlob(file.etag, file.size)) onBytes(file.size);
    else await downloadBlob(url, file, reference, cache, access, onBytes);
    await cache.link(commit, path, file.etag);
  }
  await cache.setCommit(reference.revision, commit);
  return join(cache.snapshot(commit), reference.folder);
}

/** What the cache has. Weights, or what a data set is described by, are linked last: where they are there, the rest is. */
async function cached(cache: HubCache, reference: HubReference, why: string, cause?: unknown): Promise<string> {
  const commit = await cache.commitOf(reference.revision);
  const path = (file: string): string => (reference.folder === '' ? file : `${reference.folder}/${file}`);
  if (commit !== undefined) {
    const last = reference.kind === 'dataset' ? [DATASET_INFO] : ['config.json', 'model.safetensors'];
    const isThere = await Promise.all(last.map((file) => cache.has(commit, path(file))));
    if (isThere.every(Boolean)) return join(cache.snapshot(commit), reference.folder);
  }
  throw new DownloadError(
    `${hubText(reference)} is not in the cache, and cannot be fetched: ${why}. Load it once while the network is there, or copy the folder here.`,
    { cause },
  );
}
