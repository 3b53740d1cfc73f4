import { readFile } from 'node:fs/promises';
import type { Policy } from '../../policy/policy.js';
import { type PolicyServer, servePolicy } from '../../sockets/openpi/serve-policy.js';
import { given, integerOption, UsageError } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import { eventLog } from './log.js';
import { type NamedPolicy, tickOption } from './served-policy.js';
import { untilStopped } from './until-stopped.js';

/** Options of `warmstep serve openpi` alone. */
export const OPENPI_OPTIONS = {
  'key-map': { type: 'string', multiple: true },
  'api-key-file': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'allow-origin': { type: 'string', multiple: true },
  queue: { type: 'string' },
  ping: { type: 'string' },
} as const;

export interface OpenpiValues {
  readonly host?: string;
  readonly port?: string;
  readonly 'tick-ms'?: string;
  readonly batch?: string;
  readonly connections?: string;
  readonly payload?: string;
  readonly idle?: string;
  readonly json?: boolean;
  readonly 'key-map'?: string[];
  readonly 'api-key-file'?: string;
  readonly 'tls-cert'?: string;
  readonly 'tls-key'?: string;
  readonly 'allow-origin'?: string[];
  readonly queue?: string;
  readonly ping?: string;
}

const SECOND = 1000;
const MEGABYTE = 2 ** 20;
const MOST_SECONDS = 2_000_000;

/** Serves until it is stopped. */
export async function serveOpenpi(policy: NamedPolicy, values: OpenpiValues): Promise<void> {
  const tickMs = tickOption(values['tick-ms'], policy.checkpoint, 'a single frame stands for all of them. Clients may send windows.');
  const options = {
    ...given({
      host: values.host,
      tickMs,
      port: integerOption('port', values.port, 0, 65_535),
      maxBatch: integerOption('batch', values.batch, 1, 16),
      maxConnections: integerOption('connections', values.connections, 1, 10_000),
      maxWaiting: integerOption('queue', values.queue, 1, 100_000),
      maxPayload: times(MEGABYTE, integerOption('payload', values.payload, 1, 1024)),
      idleMs: times(SECOND, integerOption('idle', values.idle, 1, MOST_SECONDS)),
      pingMs: times(SECOND, integerOption('ping', values.ping, 1, MOST_SECONDS)),
      allowOrigins: values['allow-origin'],
      apiKey: await apiKey(values['api-key-file']),
      tls: await tlsFiles(values['tls-cert'], values['tls-key']),
    }),
    keyMap: keyMap(values['key-map'] ?? []),
    onEvent: eventLog(values.json ?? false),
  };
  warnOfStrangers(options);
  const loading = new AbortController();
  let begin = (): void => {};
  const loaded = new Promise<void>((resolve) => {
    begin = resolve;
  }).then(() => policy.load(loading.signal));
  // A port that is taken is known before gigabytes are read.
  const server: PolicyServer = await servePolicy(loaded, options);
  begin();
  await untilStopped(
    server,
    () => loading.abort(),
    () => disposed(loaded),
  );
}

/** Frees a policy, where it was loaded. */
export async function disposed(loaded: Promise<Policy>): Promise<void> {
  const policy = await loaded.catch(() => undefined);
  await policy?.dispose();
}

export function times(unit: number, count: number | undefined): number | undefined {
  return count === undefined ? undefined : count * unit;
}

function keyMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, feature] = /^([^=]+)=([^=]+)$/.exec(pair) ?? [];
      if (key === undefined || feature === undefined) throw new UsageError(`--key-map must be NAME=FEATURE, found "${pair}"`);
      return [key, feature];
    }),
  );
}

async function apiKey(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const key = (await readFile(path, 'utf8')).trim();
  if (key === '') throw new UsageError(`--api-key-file: ${path} is empty`);
  return key;
}

async function tlsFiles(cert: string | undefined, key: string | undefined): Promise<{ cert: string; key: string } | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key go together: both are PEM files');
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

/** Whether only programs of this machine can connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function warnOfStrangers({ host, apiKey: key, tls }: { readonly host?: string; readonly apiKey?: string; readonly tls?: object }): void {
  if (host === undefined || isLoopback(host)) return;
  if (key === undefined) printNote(`whoever reaches ${host} may use the policy: --api-key-file asks for a key.`);
  else if (tls === undefined) printNote('the key travels in clear text: --tls-cert and --tls-key hide it.');
}
