import { OptionError } from '../../foundation/errors.js';
import { checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';

/** A folder of a repository on the Hugging Face Hub. */
export interface HubReference {
  readonly kind: 'model' | 'dataset';
  /** `owner/name`, or the name alone for the few repositories without an owner. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** A folder in the repository, without slashes at its ends; '' for the repository itself. */
  readonly folder: string;
}

const SCHEME = 'hf:';
const FORM = 'hf:OWNER/NAME[@REVISION][/FOLDER] or hf:datasets/OWNER/NAME[@REVISION][/FOLDER]';

export function isHubReference(text: string): boolean {
  return text.startsWith(SCHEME);
}

/**
 * Reads `hf:owner/name[@revision][/folder]`. A revision may hold slashes only behind `refs/` (`@refs/pr/3`).
 * @throws OptionError, which says what the form is. No part can leave its place: `..` and the like are refused.
 */
export function parseHubReference(text: string): HubReference {
  checkText('a reference to the Hub', 'it', text);
  if (!isHubReference(text)) throw malformed(text);
  let rest = text.slice(SCHEME.length).replace(/^\/\//, '').replace(/\/+$/, '');
  const kind = rest.startsWith('datasets/') ? 'dataset' : 'model';
  if (kind === 'dataset') rest = rest.slice('datasets/'.length);
  const found = /^([^/@]+\/[^/@]+)(?:@(refs\/[^/]+\/[^/]+|[^/]+))?(?:\/(.+))?$/.exec(rest);
  if (!found) throw malformed(text);
  const [, repository = '', revision = 'main', folder = ''] = found;
  const names = [...repository.split('/'), ...revision.split('/'), ...(folder === '' ? [] : folder.split('/'))];
  if (!names.every(isSafeName)) throw malformed(text);
  return { kind, repository, revision, folder };
}

/** How a reference is written. */
export function hubText({ kind, repository, revision, folder }: HubReference): string {
  const place = kind === 'dataset' ? `datasets/${repository}` : repository;
  return `${SCHEME}${place}${revision === 'main' ? '' : `@${revision}`}${folder === '' ? '' : `/${folder}`}`;
}

/**
 * A name that means one file or folder wherever it is put into a path: no separator, nothing that climbs, no control
 * character, nothing that a file system reads differently.
 */
export function isSafeName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return name !== '' && name !== '.' && name !== '..' && name.length <= 200 && !/[\u0000-\u001f\u007f\\/:*?"<>|]/.test(name);
}

/** The same for every step of a path inside a repository. */
export function isSafePath(path: string): boolean {
  return path.split('/').every(isSafeName);
}

function malformed(text: string): OptionError {
  return new OptionError(`"${shownValue(text)}" names no folder of the Hugging Face Hub: expected ${FORM}, e.g. hf:lerobot/my_policy.`);
}
