import { type LeRobotServer, serveLeRobot } from '../../sockets/lerobot/serve-lerobot.js';
import { given, integerOption, numberOption } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import { inOptionNames } from '../option-names.js';
import { eventLog } from './log.js';
import { isLoopback, type ServerValues, times } from './options.js';
import type { NamedPolicy } from './served-policy.js';
import { servedUntilStopped } from './until-stopped.js';

/** Options of `warmstep serve lerobot` alone. */
export const LEROBOT_OPTIONS = { fps: { type: 'string' } } as const;

export interface LeRobotValues extends ServerValues {
  readonly fps?: string;
  readonly seed?: string;
}

/** Serves until it is stopped; `name` reads what the policy is, once all options were looked at. */
export async function serveLeRobotPolicy(name: () => Promise<NamedPolicy>, values: LeRobotValues): Promise<void> {
  const options = {
    ...given({
      host: values.host,
      port: integerOption('port', values.port, 0, 65_535),
      fps: numberOption('fps', values.fps, 0.1, 1000),
      seed: integerOption('seed', values.seed, 0, 2 ** 50),
      maxBatch: integerOption('batch', values.batch, 1, 16),
      maxConnections: integerOption('connections', values.connections, 1, 10_000),
      maxPayload: times(2 ** 20, integerOption('payload', values.payload, 1, 1024)),
      idleMs: times(1000, integerOption('idle', values.idle, 1, 2_000_000)),
    }),
    onEvent: eventLog(values.json ?? false),
  };
  const policy = await name();
  if (values.host !== undefined && !isLoopback(values.host)) {
    printNote(
      `whoever reaches ${values.host} may use the policy, and see what robots send: this protocol has neither keys nor encryption.`,
    );
  }
  await servedUntilStopped(
    policy,
    (loaded): Promise<LeRobotServer> => inOptionNames({ host: 'host' }, () => serveLeRobot(loaded, options)),
  );
}
