import { type ByteSource, type CheckpointSource, checkRange, listed } from '../checkpoints/source.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { CheckpointError, DownloadError, OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkKeys, checkList, checkObject, checkSignal, checkText, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { Blocks } from './blocks.js';
import { drop, type Fetch, type FetchResponse, received, request } from './http.js';
import { isSafeName } from './hub/reference.js';

export interface UrlSourceOptions {
  /** Names of the files of the folder. Default: what its `index.json` says, a JSON list of names. */
  readonly files?: readonly string[];
  /** Sent with every request to the folder's own host, e.g. `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Stops requests that are under way, and refuses later ones. */
  readonly signal?: AbortSignalLike;
  /** Called as bytes arrive: bytes fetched so far, and the bytes of all files that were opened. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Default: the runtime's own. */
  readonly fetch?: Fetch;
}

/** `fetch` as a program may hand it in is any function; what it answers is looked at where it is used. */
const KEYS = keysOf<UrlSourceOptions>({ files: true, headers: true, signal: true, onProgress: true, fetch: true });

/**
 * A checkpoint folder on a web server; `base` is its address, a text or a `URL`. Where the server grants ranges (`206`), only what is read is fetched, in blocks of 4 MiB; else a
 * file is fetched whole, once, and held.
 * @throws OptionError for what is no http(s) address. Its calls throw DownloadError where a file cannot be had, and CheckpointError
 * where it is not complete or changed between two reads.
 */
export function urlSource(base: string | { readonly href: string }, options: UrlSourceOptions = {}): CheckpointSource {
  checkKeys('urlSource', options, KEYS);
  checkSignal('urlSource', options.signal);
  checkCallbacks<UrlSourceOptions>('urlSource', options, ['onProgress', 'fetch']);
  checkHeaders(options.headers);
  if (options.files !== undefined) checkList('urlSource', 'files', options.files, checkFileName);
  const folder = folderUrl(base);
  const { signal, fetch } = options;
  const credentials = { origin: new URL(folder).origin, headers: options.headers ?? {} };
  const opened: RemoteFile[] = [];
  const connection: Connection = {
    ask: (url, headers) => request(url, { headers, credentials, fetch, signal }),
    receive: (url, response) => received(url, response, signal),
    progress: new ByteProgress(options.onProgress),
  };
  let names: Promise<readonly string[]> | undefined;
  const list = (): Promise<readonly string[]> => {
    names ??= options.files ? Promise.resolve(options.files) : readIndex(`${folder}index.json`, connection);
    return names;
  };
  return {
    name: folder,
    list,
    open: async (file) => {
      const found = await list();
      if (!found.includes(file)) {
        throw new CheckpointError(`${folder}: expected a file "${file}", found ${listed(found)}. Give the whole checkpoint folder.`);
      }
      const remote = await RemoteFile.open(folder + encodeURIComponent(file), file, connection);
      opened.push(remote);
      return remote;
    },
    assertUnchanged: async () => {
      for (const file of opened) file.assertUnchanged();
    },
    close: async () => {
      opened.length = 0;
    },
  };
}

/** What files of one folder share. */
interface Connection {
  ask(url: string, headers: Readonly<Record<string, string>>): Promise<FetchResponse>;
  receive(url: string, response: FetchResponse): AsyncIterable<Uint8Array>;
  readonly progress: ByteProgress;
}

async function readIndex(url: string, { ask }: Connection): Promise<readonly string[]> {
  const response = await ask(url, {});
  if (!response.ok) {
    await drop(response);
    throw new DownloadError(
      `${url}: expected a JSON list of the names in this folder, found status ${response.status}. Put one there, or give the names: ` +
        'urlSource(url, { files: ["config.json", "model.safetensors", …] }).',
    );
  }
  const names: unknown = await response.json().catch(() => undefined);
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && isSafeName(name))) {
    throw new DownloadError(`${url}: expected a JSON list of plain file names, found something else.`);
  }
  return names as string[];
}

/** One file behind an address. Its first request says how long it is, and whether parts of it can be had. */
class RemoteFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #url: string;
  readonly #etag: string | null;
  readonly #read: (offset: number, into: Uint8Array) => Promise<void>;
  #changed = false;

  private constructor(url: string, name: string, size: number, etag: string | null, whole: Uint8Array | undefined, connection: Connection) {
    this.#url = url;
    this.name = name;
    this.size = size;
    this.#etag = etag;
    if (whole) {
      this.#read = async (offset, into) => into.set(whole.subarray(offset, offset + into.byteLength));
      return;
    }
    const blocks = new Blocks(size, (from, to) => this.#fetchRange(from, to, connection));
    this.#read = (offset, into) => blocks.read(offset, into);
  }

  static async open(url: string, name: string, connection: Connection): Promise<RemoteFile> {
    const { ask, progress } = connection;
    const response = await ask(url, { range: 'bytes=0-0' });
    const etag = response.headers.get('etag');
    if (response.status === 206) {
      await drop(response);
      const size = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
      if (!Number.isSafeInteger(size))
        throw new DownloadError(`${url}: expected a part of the file and its size (content-range), found no size.`);
      progress.expect(size);
      return new RemoteFile(url, name, size, etag, undefined, connection);
    }
    // Nothing can be sent of a file without bytes.
    if (response.status === 416) {
      await drop(response);
      return new RemoteFile(url, name, 0, etag, new Uint8Array(0), connection);
    }
    if (!response.ok) {
      await drop(response);
      throw new DownloadError(`${url}: expected the file, found status ${response.status}. Look at the address and the rights to it.`);
    }
    const whole = await readWhole(url, response, connection);
    return new RemoteFile(url, name, whole.byteLength, etag, whole, connection);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.#url, this.size, offset, into.byteLength);
    await this.#read(offset, into);
  }

  assertUnchanged(): void {
    if (this.#changed) throw changedError(this.#url);
  }

  async #fetchRange(from: number, to: number, connection: Connection): Promise<Uint8Array> {
    const response = await connection.ask(this.#url, { range: `bytes=${from}-${to - 1}` });
    const isSame = response.headers.get('etag') === this.#etag && response.headers.get('content-range')?.endsWith(`/${this.size}`) === true;
    if (response.status !== 206 || !isSame) {
      await drop(response);
      if (response.status !== 206 && !response.ok) {
        throw new DownloadError(`${this.#url}: expected bytes ${from} to ${to - 1}, found status ${response.status}. Try again.`);
      }
      this.#changed = true;
      throw changedError(this.#url);
    }
    const bytes = new Uint8Array(to - from);
    await fill(this.#url, bytes, response, connection);
    return bytes;
  }
}

function changedError(url: string): CheckpointError {
  return new CheckpointError(`${url} changed while it was read, so what was read may be a mixture of two files. Load it again.`);
}

async function readWhole(url: string, response: FetchResponse, connection: Connection): Promise<Uint8Array> {
  const said = Number(response.headers.get('content-length') ?? Number.NaN);
  const isPacked = (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
  if (Number.isSafeInteger(said) && !isPacked) {
    connection.progress.expect(said);
    const bytes = new Uint8Array(said);
    await fill(url, bytes, response, connection);
    return bytes;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of connection.receive(url, response)) {
    chunks.push(chunk);
    size += chunk.byteLength;
    connection.progress.expect(chunk.byteLength);
    connection.progress.add(chunk.byteLength);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** @throws CheckpointError for a body of another length: a connection that broke must not end in zeros. */
async function fill(url: string, into: Uint8Array, response: FetchResponse, { receive, progress }: Connection): Promise<void> {
  let filled = 0;
  for await (const chunk of receive(url, response)) {
    filled += chunk.byteLength;
    if (filled > into.byteLength) break;
    into.set(chunk, filled - chunk.byteLength);
    progress.add(chunk.byteLength);
  }
  if (filled !== into.byteLength) {
    throw new CheckpointError(
      `${url}: expected ${into.byteLength} bytes, found ${filled > into.byteLength ? 'more' : filled}. Load it again.`,
    );
  }
}

/** Bytes fetched, of those that are known of. A block that is fetched again does not count beyond the whole. */
class ByteProgress {
  readonly #listener: ((done: number, total: number) => void) | undefined;
  #done = 0;
  #total = 0;

  constructor(listener: ((done: number, total: number) => void) | undefined) {
    this.#listener = listener;
  }

  expect(bytes: number): void {
    this.#total += bytes;
  }

  add(bytes: number): void {
    this.#done = Math.min(this.#done + bytes, this.#total);
    this.#listener?.(this.#done, this.#total);
  }
}

function folderUrl(base: unknown): string {
  const text = checkText('urlSource', 'base', typeof base === 'object' && base !== null && 'href' in base ? base.href : base);
  const url = parsed(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new OptionError(`urlSource: expected the http(s) address of a folder, without ? or #, found "${shownValue(text)}".`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** Undefined for what is no address: `URL.parse` is younger than the oldest Node that this engine runs on. */
function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function checkFileName(name: unknown): void {
  if (typeof name === 'string' && isSafeName(name)) return;
  throw new OptionError(`urlSource: files must be plain file names, found ${shownValue(name)}.`);
}

function checkHeaders(headers: unknown): void {
  if (headers === undefined) return;
  for (const [name, value] of Object.entries(checkObject('urlSource', 'headers', headers)))
    checkText('urlSource', `the header "${name}"`, value);
}
