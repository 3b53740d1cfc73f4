import { OptionError } from '../../foundation/errors.js';
import {
  checkCallbacks,
  checkInteger,
  checkKeys,
  checkList,
  checkNumber,
  checkObject,
  checkText,
  keysOf,
} from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { OnServerEvent } from '../../server/events.js';
import type { KeyMap } from '../../server/openpi/key-map.js';
import { ApiKey } from '../api-key.js';
import { checkHost } from '../host.js';
import type { TlsFiles } from '../tls-files.js';

/** How a policy is served in openpi's protocol. */
export interface ServePolicyOptions {
  /** Address to listen at. Default 127.0.0.1: programs of this machine alone. */
  readonly host?: string;
  /** Default 8000; 0: any that is free. */
  readonly port?: number;
  /** Names of clients and the features that they stand for, beside the policy's own names. */
  readonly keyMap?: KeyMap;
  /** Milliseconds between the frames that the policy was trained on. Default: unknown; single frames are then never paired. */
  readonly tickMs?: number;
  /** Clients must send it: `Authorization: Api-Key KEY`, or `Bearer KEY`. Default: none. */
  readonly apiKey?: string;
  /** Certificate and key, PEM, for `wss://`. Default: none. */
  readonly tls?: TlsFiles;
  /** Origins of pages that may connect, e.g. `https://robot.example`; '*': any. Default: none. Programs send no origin. */
  readonly allowOrigins?: readonly string[];
  /** Decisions that are made together at most, 1 to 16. Default 8. */
  readonly maxBatch?: number;
  /** Default 32. */
  readonly maxConnections?: number;
  /** Requests of all clients that wait at most. Default 64. */
  readonly maxWaiting?: number;
  /** Bytes of a message. Default 64 MiB. */
  readonly maxPayload?: number;
  /** Milliseconds without an observation after which a client is let go. Default: ten minutes. */
  readonly idleMs?: number;
  /** Milliseconds between pings; a client that answers none until the next is let go. Default 20000. */
  readonly pingMs?: number;
  /** Milliseconds that a stop waits for what is running. Default 4000. */
  readonly graceMs?: number;
  /** Told of what happens, for a log. */
  readonly onEvent?: OnServerEvent;
}

const NAMES = keysOf<ServePolicyOptions>({
  host: true,
  port: true,
  keyMap: true,
  tickMs: true,
  apiKey: true,
  tls: true,
  allowOrigins: true,
  maxBatch: true,
  maxConnections: true,
  maxWaiting: true,
  maxPayload: true,
  idleMs: true,
  pingMs: true,
  graceMs: true,
  onEvent: true,
});

/** The largest delay that a timer takes. */
const MOST_MS = 2 ** 31 - 1;

export interface CheckedServeOptions extends Required<Omit<ServePolicyOptions, 'apiKey' | 'tls' | 'tickMs'>> {
  readonly apiKey: ApiKey | undefined;
  readonly tls: TlsFiles | undefined;
  readonly tickMs: number | undefined;
}

/** @throws OptionError. */
export function checkServeOptions(where: string, options: ServePolicyOptions): CheckedServeOptions {
  checkKeys(where, options, NAMES);
  const integer = (name: keyof ServePolicyOptions, usual: number, least: number, most: number): number =>
    checkInteger(where, name, options[name] === undefined ? usual : options[name], least, most);
  const { host = '127.0.0.1', apiKey, tickMs, tls, keyMap = {}, allowOrigins = [] } = options;
  checkCallbacks(where, options, ['onEvent']);
  return {
    host: checkHost(where, host),
    port: integer('port', 8000, 0, 65_535),
    keyMap: checkedKeyMap(where, keyMap),
    tickMs: tickMs === undefined ? undefined : checkNumber(where, 'tickMs', tickMs, 'from 1 to 60000', (ms) => ms >= 1 && ms <= 60_000),
    apiKey: apiKey === undefined ? undefined : new ApiKey(checkText(where, 'apiKey', apiKey)),
    tls: tls === undefined ? undefined : checkedTls(where, tls),
    allowOrigins: checkList(where, 'allowOrigins', allowOrigins, (origin) => checkOrigin(where, origin), 1000),
    maxBatch: integer('maxBatch', 8, 1, 16),
    maxConnections: integer('maxConnections', 32, 1, 10_000),
    maxWaiting: integer('maxWaiting', 64, 1, 100_000),
    maxPayload: integer('maxPayload', 64 * 2 ** 20, 1024, 2 ** 30),
    idleMs: integer('idleMs', 600_000, 100, MOST_MS),
    pingMs: integer('pingMs', 20_000, 10, MOST_MS),
    graceMs: integer('graceMs', 4_000, 0, 60_000),
    onEvent: options.onEvent ?? ((): void => {}),
  };
}

function checkedKeyMap(where: string, keyMap: unknown): KeyMap {
  const entries = Object.entries(checkObject(where, 'keyMap', keyMap));
  for (const [key, feature] of entries) checkText(where, `keyMap["${shownValue(key)}"]`, feature);
  return Object.fromEntries(entries);
}

function checkedTls(where: string, tls: unknown): TlsFiles {
  const { cert, key } = checkObject(where, 'tls', tls) as Partial<TlsFiles>;
  return { cert: checkText(where, 'tls.cert', cert), key: checkText(where, 'tls.key', key) };
}

/** Scheme, host and port, as browsers send it: no path, no slash at the end. */
function checkOrigin(where: string, origin: unknown): void {
  const text = checkText(where, 'an origin of allowOrigins', origin);
  if (text === '*' || (URL.canParse(text) && new URL(text).origin === text)) return;
  throw new OptionError(`${where}: an origin of allowOrigins must be like https://robot.example or "*", found "${shownValue(text)}".`);
}
