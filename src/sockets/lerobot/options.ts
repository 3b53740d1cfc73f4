import { checkCallbacks, checkInteger, checkKeys, checkNumber, keysOf } from '../../foundation/options.js';
import type { OnServerEvent } from '../../server/events.js';
import { checkHost } from '../host.js';

/** How a policy is served to clients of LeRobot's asynchronous inference. */
export interface ServeLeRobotOptions {
  /** Address to listen at. Default 127.0.0.1: the protocol knows neither keys nor encryption. */
  readonly host?: string;
  /** Default 8080; 0: any that is free. */
  readonly port?: number;
  /** Ticks of the robot per second, which the policy was trained at. Default 30. */
  readonly fps?: number;
  /** Seed of the noise of a robot's first episode. Default 0. */
  readonly seed?: number;
  /** Decisions that are made together at most, 1 to 16. Default 8. */
  readonly maxBatch?: number;
  /** Robots that are remembered at most. Default 32. */
  readonly maxConnections?: number;
  /** Bytes of an observation. Default 64 MiB. */
  readonly maxPayload?: number;
  /** Milliseconds without a call after which a robot is forgotten. Default: ten minutes. */
  readonly idleMs?: number;
  /** Milliseconds that a call for actions waits for an observation. Default 2000. */
  readonly waitMs?: number;
  /** Milliseconds that an answer with actions takes at least. Default 33. */
  readonly leastMs?: number;
  /** Milliseconds that a stop waits for what is running. Default 4000. */
  readonly graceMs?: number;
  /** Told of what happens, for a log: refusals among it, which clients never see. */
  readonly onEvent?: OnServerEvent;
}

const NAMES = keysOf<ServeLeRobotOptions>({
  host: true,
  port: true,
  fps: true,
  seed: true,
  maxBatch: true,
  maxConnections: true,
  maxPayload: true,
  idleMs: true,
  waitMs: true,
  leastMs: true,
  graceMs: true,
  onEvent: true,
});

/** The largest delay that a timer takes. */
const MOST_MS = 2 ** 31 - 1;

/** @throws OptionError. */
export function checkLeRobotOptions(where: string, options: ServeLeRobotOptions): Required<ServeLeRobotOptions> {
  checkKeys(where, options, NAMES);
  checkCallbacks(where, options, ['onEvent']);
  const integer = (name: keyof ServeLeRobotOptions, usual: number, least: number, most: number): number =>
    checkInteger(where, name, options[name] === undefined ? usual : options[name], least, most);
  const { host = '127.0.0.1', fps = 30 } = options;
  return {
    host: checkHost(where, host),
    port: integer('port', 8080, 0, 65_535),
    fps: checkNumber(where, 'fps', fps, 'a number from 0.1 to 1000', (fps) => fps >= 0.1 && fps <= 1000),
    seed: integer('seed', 0, 0, 2 ** 50),
    maxBatch: integer('maxBatch', 8, 1, 16),
    maxConnections: integer('maxConnections', 32, 1, 10_000),
    maxPayload: integer('maxPayload', 64 * 2 ** 20, 1024, 2 ** 30),
    idleMs: integer('idleMs', 600_000, 100, MOST_MS),
    waitMs: integer('waitMs', 2_000, 1, 60_000),
    leastMs: integer('leastMs', 33, 0, 60_000),
    graceMs: integer('graceMs', 4_000, 0, 60_000),
    onEvent: options.onEvent ?? ((): void => {}),
  };
}
