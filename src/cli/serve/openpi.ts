import { SetupError } from '../../foundation/setup-error.js';
import { readTextFile } from '../../platform/node/text-file.js';
import { ApiKey } from '../../sockets/api-key.js';
import { type PolicyServer, servePolicy } from '../../sockets/openpi/serve-policy.js';
import { given, integerOption, numberOption, UsageError } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import { inOptionNames } from '../option-names.js';
import { eventLog } from './log.js';
import { isLoopback, type ServerValues, times } from './options.js';
import type { NamedPolicy } from './served-policy.js';
import { servedUntilStopped } from './until-stopped.js';

/** Options of `warmstep serve openpi` alone. */
export const OPENPI_OPTIONS = {
  'tick-ms': { type: 'string' },
  'key-map': { type: 'string', multiple: true },
  'api-key-file': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'allow-origin': { type: 'string', multiple: true },
  queue: { type: 'string' },
  ping: { type: 'string' },
} as const;

export interface OpenpiValues extends ServerValues {
  readonly 'tick-ms'?: string;
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

/** Options of the command line by the names that the server has for them. */
const OPTION_NAMES = { allowOrigins: 'allow-origin', keyMap: 'key-map', apiKey: 'api-key-file', host: 'host' } as const;

/** Serves until it is stopped; `name` reads what the policy is, once all options were looked at. */
export async function serveOpenpi(name: () => Promise<NamedPolicy>, values: OpenpiValues): Promise<void> {
  const tickMs = numberOption('tick-ms', values['tick-ms'], 1, 60_000);
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
  const policy = await name();
  const { observationSteps } = policy.checkpoint;
  if (tickMs === undefined && observationSteps > 1) {
    printNote(
      `the policy reads ${observationSteps} frames, and --tick-ms was not given: a single frame stands for all of them. Clients may send windows.`,
    );
  }
  warnOfStrangers(options);
  await servedUntilStopped(policy, (loaded): Promise<PolicyServer> => inOptionNames(OPTION_NAMES, () => servePolicy(loaded, options)));
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
  const key = (await readTextFile(path)).trim();
  if (key === '') throw new SetupError(`--api-key-file: ${path} is empty`);
  try {
    new ApiKey(key);
  } catch (error) {
    throw new SetupError(`--api-key-file: ${path}: ${(error as Error).message.replace(/^apiKey: /, '')}`, { cause: error });
  }
  return key;
}

async function tlsFiles(cert: string | undefined, key: string | undefined): Promise<{ cert: string; key: string } | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  // Never without either: clients' keys would travel in clear text.
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key go together: give both, or neither');
  return { cert: await readTextFile(cert), key: await readTextFile(key) };
}

function warnOfStrangers({ host, apiKey: key, tls }: { readonly host?: string; readonly apiKey?: string; readonly tls?: object }): void {
  if (host === undefined || isLoopback(host)) return;
  if (key === undefined) printNote(`whoever reaches ${host} may use the policy: --api-key-file asks for a key.`);
  else if (tls === undefined) printNote('the key travels in clear text: --tls-cert and --tls-key hide it.');
}
