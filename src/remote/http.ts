import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DownloadError } from '../foundation/errors.js';

/** What is used of `fetch`, so that a program can hand in its own. */
export type Fetch = (url: string, request: FetchRequest) => Promise<FetchResponse>;

export interface FetchRequest {
  readonly method: 'GET' | 'HEAD';
  readonly headers: Record<string, string>;
  readonly redirect: 'follow' | 'manual';
  readonly signal?: unknown;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  /** 'opaqueredirect' where a browser shows nothing of a redirect. */
  readonly type?: string;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | { getReader(): ChunkReader } | null;
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface ChunkReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

export interface HttpOptions {
  /** Default: the runtime's own. */
  readonly fetch?: Fetch | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface Request extends HttpOptions {
  readonly method?: 'GET' | 'HEAD';
  /** Sent wherever a redirect leads. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers for one origin alone, a token say: never sent to where a redirect leads from there. */
  readonly credentials?: { readonly origin: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  /** Whether redirects are followed. What HEAD of a file says of itself stands in the redirect. Default true. */
  readonly follow?: boolean;
}

const MOST_REDIRECTS = 8;
const TRIES = 4;
/** Milliseconds before the second try; it doubles. */
const FIRST_PAUSE = 250;

/** The runtime's `fetch`. @throws DownloadError where there is none. */
function runtimeFetch(): Fetch {
  const { fetch } = globalThis as { fetch?: Fetch };
  if (typeof fetch !== 'function') throw new DownloadError('This runtime has no fetch: give one (`fetch`), or load from files.');
  return (url, request) => fetch(url, request);
}

/**
 * Asks for a URL, again where the server is busy (429, 5xx) or the network fails, a few times with pauses. Redirects are followed here,
 * so that credentials go to their own host alone.
 * @throws DownloadError where the network fails; the signal's reason. Statuses are the caller's matter.
 */
export async function request(url: string, options: Request): Promise<FetchResponse> {
  let pause = FIRST_PAUSE;
  for (let attempt = 1; ; attempt++, pause *= 2) {
    options.signal?.throwIfAborted();
    try {
      const response = await follow(url, options);
      if (attempt >= TRIES || !isPassing(response.status)) return response;
      pause = Math.max(pause, retryAfter(response));
      await drop(response);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof DownloadError) throw error;
      if (attempt >= TRIES) throw networkError(url, error);
    }
    await sleep(pause, options.signal);
  }
}

async function follow(first: string, options: Request): Promise<FetchResponse> {
  const { fetch = runtimeFetch(), method = 'GET', headers, credentials, signal } = options;
  let url = first;
  for (let step = 0; step <= MOST_REDIRECTS; step++) {
    const given = { ...headers, ...(new URL(url).origin === credentials?.origin ? credentials.headers : {}) };
    const ask = (redirect: 'follow' | 'manual'): Promise<FetchResponse> =>
      fetch(url, { method, headers: given, redirect, ...(signal ? { signal } : {}) });
    const response = await ask('manual');
    // A browser hides where a redirect leads. It follows by itself, and leaves `authorization` out for another origin as well.
    if (response.type === 'opaqueredirect') return ask('follow');
    const target = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (target === null) return response;
    const next = new URL(target, url);
    // A repository that was renamed redirects to a path of the same server: that is followed in any case.
    if (options.follow === false && next.origin !== new URL(url).origin) return response;
    if (next.protocol !== 'https:' && new URL(url).protocol === 'https:') {
      throw new DownloadError(`${url}: redirected to ${next.href}, which is not encrypted. Nothing was loaded from there.`);
    }
    await drop(response);
    url = next.href;
  }
  throw new DownloadError(`${first}: redirected more than ${MOST_REDIRECTS} times. Is the address right?`);
}

/** The chunks of a body, whatever the runtime has for it. */
async function* bodyOf(response: FetchResponse): AsyncGenerator<Uint8Array> {
  const { body } = response;
  if (body === null) return;
  if (Symbol.asyncIterator in body) {
    yield* body;
    return;
  }
  const reader = body.getReader();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value) yield value;
    }
    isDone = true;
  } finally {
    if (!isDone) await reader.cancel().catch(() => {});
  }
}

/** The chunks of a body as they arrive. @throws NetworkError where the connection breaks; the signal's reason. */
export async function* received(url: string, response: FetchResponse, signal: AbortSignalLike | undefined): AsyncGenerator<Uint8Array> {
  const chunks = bodyOf(response);
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw networkError(url, error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await chunks.return(undefined).catch(() => {});
  }
}

/** Lets go of a response that nobody reads, so that its connection is free. */
export async function drop(response: FetchResponse): Promise<void> {
  try {
    for await (const _ of bodyOf(response)) break;
  } catch {
    // Whatever was wrong with it, it is not needed.
  }
}

function isPassing(status: number): boolean {
  return status === 429 || status === 500 || status === 502 || status === 503 || status === 504;
}

/** Milliseconds that a server asks to wait, at most half a minute; 0 where it does not say. */
function retryAfter(response: FetchResponse): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 30) * 1000 : 0;
}

async function sleep(milliseconds: number, signal: AbortSignalLike | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
  signal?.throwIfAborted();
}

/** The host did not answer, or the connection broke. */
export class NetworkError extends DownloadError {}

function networkError(url: string, cause: unknown): NetworkError {
  const { message, cause: inner } = cause as { message?: string; cause?: { code?: string; message?: string } };
  const why = inner?.code ?? inner?.message ?? message ?? 'no answer';
  return new NetworkError(`${url}: expected an answer, found "${why}". Is the network up, and the address right?`, { cause });
}
