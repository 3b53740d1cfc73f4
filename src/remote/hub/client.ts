import { DownloadError } from '../../foundation/errors.js';
import { type FetchResponse, type HttpOptions, request } from '../http.js';
import { type HubReference, hubText, isSafePath } from './reference.js';

export const HUB_ENDPOINT = 'https://huggingface.co';

export interface HubAccess extends HttpOptions {
  /** Address of the Hub, or of a mirror. */
  readonly endpoint: string;
  /** For gated and private repositories; it goes to the endpoint alone. */
  readonly token: string | undefined;
}

/** A repository at one commit. */
export interface HubRevision {
  /** The commit, 40 hexadecimal digits. */
  readonly commit: string;
  /** Paths of all files, from the root of the repository. */
  readonly files: readonly string[];
}

/** What the Hub says of a file without sending it. */
export interface HubFile {
  /** SHA-256 of the content for large files, the git object's SHA-1 for others: 64 or 40 hexadecimal digits, or something else on a mirror. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
}

/** Which commit a revision is, and what files it has: one small request. @throws DownloadError, which says what a refusal means. */
export async function hubRevision(reference: HubReference, access: HubAccess): Promise<HubRevision> {
  const { kind, repository, revision } = reference;
  const url = `${access.endpoint}/api/${kind}s/${repository}/revision/${encodeURIComponent(revision)}`;
  const response = await ask(url, reference, access);
  const answer = (await response.json().catch(() => undefined)) as { sha?: unknown; siblings?: unknown } | undefined;
  const commit = answer?.sha;
  const siblings = Array.isArray(answer?.siblings) ? (answer.siblings as { rfilename?: unknown }[]) : [];
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new DownloadError(
      `${url}: expected a commit ("sha") and files ("siblings"), found something else. Is the endpoint one of the Hub?`,
    );
  }
  // A path that would climb out of its folder is no file that this engine has a use for.
  const files = siblings.map((file) => file?.rfilename).filter((path): path is string => typeof path === 'string' && isSafePath(path));
  return { commit, files };
}

/** Address of a file at a commit. */
export function fileUrl({ kind, repository }: HubReference, commit: string, path: string, endpoint: string): string {
  const place = kind === 'dataset' ? `datasets/${repository}` : repository;
  return `${endpoint}/${place}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Size and hash of a file. @throws DownloadError. */
export async function hubFile(url: string, reference: HubReference, access: HubAccess): Promise<HubFile> {
  const response = await ask(url, reference, access, { method: 'HEAD', follow: false, headers: { 'accept-encoding': 'identity' } });
  const { headers } = response;
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
  const size = Number(headers.get('x-linked-size') ?? headers.get('content-length') ?? Number.NaN);
  if (!/^[\w.-]{1,128}$/.test(etag) || !Number.isSafeInteger(size) || size < 0) {
    throw new DownloadError(`${url}: expected an ETag and a size, found "${etag}" and ${size}. Is the endpoint one of the Hub?`);
  }
  return { etag, size };
}

/** Asks the Hub, and puts a refusal into words. */
export async function ask(
  url: string,
  reference: HubReference,
  { endpoint, token, fetch, signal }: HubAccess,
  how: { readonly method?: 'GET' | 'HEAD'; readonly follow?: boolean; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<FetchResponse> {
  const credentials = token === undefined ? undefined : { origin: new URL(endpoint).origin, headers: { authorization: `Bearer ${token}` } };
  const response = await request(url, { ...how, credentials, fetch, signal });
  if (response.ok || (how.follow === false && response.status >= 300 && response.status < 400)) return response;
  throw refusal(url, response, reference, token !== undefined);
}

function refusal(url: string, { status, headers }: FetchResponse, reference: HubReference, hasToken: boolean): DownloadError {
  const name = hubText(reference);
  const code = headers.get('x-error-code');
  const login = hasToken
    ? 'The token that was given (HF_TOKEN, or the file that `hf auth login` writes) has no access to it'
    : 'Set HF_TOKEN, or log in with `hf auth login`';
  if (code === 'GatedRepo') {
    return new DownloadError(`${name} is gated: its authors want their terms accepted on its page first. Then: ${login}.`);
  }
  if (code === 'RevisionNotFound')
    return new DownloadError(`${name}: there is no revision "${reference.revision}". Look at its branches and tags.`);
  if (code === 'EntryNotFound') return new DownloadError(`${url}: there is no such file in ${name}.`);
  // To strangers the Hub says 401 of what does not exist and of what is private alike.
  if (status === 401 || status === 403 || status === 404 || code === 'RepoNotFound') {
    return new DownloadError(`${name} was not found (${status}): it is misspelt, private or gone. ${login} if it is private.`);
  }
  if (status === 416) return new DownloadError(`${url}: the server refused to go on with a file (416). Try again.`);
  return new DownloadError(`${url}: expected the file, found status ${status}. Try again later, or look at the address.`);
}
