import { OptionError } from '../foundation/errors.js';
import { checkText } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';

/** An address or a name to listen at. @throws OptionError. */
export function checkHost(where: string, host: unknown): string {
  const text = checkText(where, 'host', host);
  if (!/^[\w.:%-]{1,255}$/.test(text)) throw new OptionError(`${where}: host must be an address or a name, found "${shownValue(text)}".`);
  return text;
}

/** A host as addresses have it. */
export function inAddress(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
