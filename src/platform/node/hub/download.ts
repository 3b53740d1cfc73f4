import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { DownloadError } from '../../../foundation/errors.js';
import { drop, NetworkError, received } from '../../../remote/http.js';
import { ask, type HubAccess, type HubFile } from '../../../remote/hub/client.js';
import type { HubReference } from '../../../remote/hub/reference.js';
import type { HubCache } from './cache.js';

/** How often in a row a connection may break without a byte having arrived; with any, it is gone on with where it broke. */
const MOST_FRUITLESS = 2;

/**
 * Loads a content into the cache, goes on where an earlier attempt broke off, and gives it its name once size and hash are right.
 * @throws DownloadError, and what the system says of the files.
 */
export async function downloadBlob(
  url: string,
  file: HubFile,
  reference: HubReference,
  cache: HubCache,
  access: HubAccess,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await cache.prepare();
  const unfinished = await cache.unfinished(file.etag);
  let counted = 0;
  for (let fruitless = 0; ; ) {
    const before = await sizeOf(unfinished);
    onBytes(before - counted);
    counted = before;
    if (before === file.size && before > 0) break;
    try {
      await append(url, unfinished, before > file.size ? 0 : before, file, reference, access, (bytes) => {
        counted += bytes;
        onBytes(bytes);
      });
      break;
    } catch (error) {
      access.signal?.throwIfAborted();
      // What arrived is kept, and gone on with: now, or by the next process.
      fruitless = (await sizeOf(unfinished)) > before ? 0 : fruitless + 1;
      if (!(error instanceof NetworkError) || fruitless > MOST_FRUITLESS) throw error;
    }
  }
  await verify(url, unfinished, file);
  await rename(unfinished, cache.blob(file.etag));
}

async function append(
  url: string,
  path: string,
  from: number,
  { size }: HubFile,
  reference: HubReference,
  access: HubAccess,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const response = await ask(url, reference, access, {
    headers: { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
  });
  // A server that knows no ranges sends the file from its beginning.
  const isResumed = from > 0 && response.status === 206;
  if (!isResumed && from > 0) onBytes(-from);
  const handle = await open(path, isResumed ? 'a' : 'w').catch(async (error: unknown) => {
    await drop(response);
    throw error;
  });
  let at = isResumed ? from : 0;
  try {
    for await (const chunk of received(url, response, access.signal)) {
      at += chunk.byteLength;
      if (at > size) break;
      await handle.writeFile(chunk);
      onBytes(chunk.byteLength);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (at < size)
    throw new NetworkError(`${url}: expected ${size} bytes, and the connection ended after ${at}. Load it again: it goes on from there.`);
  if (at > size) {
    await rm(path, { force: true });
    throw new DownloadError(`${url}: expected ${size} bytes, found more. Is the endpoint one of the Hub?`);
  }
}

/** ETags of the Hub are hashes: SHA-256 of large files, SHA-1 of git's object for others. What is wrong is thrown away. */
async function verify(url: string, path: string, { etag, size }: HubFile): Promise<void> {
  const hash = hashOf(etag, size);
  if (!hash) return;
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  const found = hash.digest('hex');
  if (found === etag.toLowerCase()) return;
  await rm(path, { force: true });
  throw new DownloadError(
    `${url}: expected the hash ${etag}, found ${found}. What arrived is not what was sent, and was thrown away. Load it again.`,
  );
}

function hashOf(etag: string, size: number): Hash | undefined {
  if (/^[0-9a-f]{64}$/i.test(etag)) return createHash('sha256');
  if (/^[0-9a-f]{40}$/i.test(etag)) return createHash('sha1').update(`blob ${size}\0`);
  return undefined;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
