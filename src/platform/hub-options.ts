import { OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkKeys, checkSignal, checkText, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { HubSourceOptions } from './options.js';

const KEYS = keysOf<HubSourceOptions>({ token: true, endpoint: true, signal: true, onProgress: true, onWarning: true });

/** @throws OptionError */
export function checkHubOptions(options: HubSourceOptions): void {
  checkKeys('hubSource', options, KEYS);
  checkSignal('hubSource', options.signal);
  checkCallbacks<HubSourceOptions>('hubSource', options, ['onProgress', 'onWarning']);
  if (options.token !== undefined) checkText('hubSource', 'token', options.token);
  if (options.endpoint !== undefined) hubEndpoint('hubSource: endpoint', options.endpoint);
}

/** The address of a Hub without its last slash. `name`: where it was given. @throws OptionError for what is no http(s) address. */
export function hubEndpoint(name: string, given: unknown): string {
  const trimmed = typeof given === 'string' ? given.replace(/\/+$/, '') : '';
  try {
    if (/^https?:$/.test(new URL(trimmed).protocol)) return trimmed;
  } catch {
    // Said below.
  }
  throw new OptionError(`${name}: expected an http(s) address, found ${shownValue(given)}.`);
}
