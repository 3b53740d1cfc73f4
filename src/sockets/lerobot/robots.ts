import { ServerBusyError } from '../../server/errors.js';
import type { Instructions, LeRobotSession } from '../../server/lerobot/session.js';

interface Robot {
  readonly number: number;
  readonly session: LeRobotSession;
  heard: number;
}

export interface RobotsSettings {
  readonly most: number;
  readonly idleMs: number;
  readonly now: () => number;
  /** `number`: of the robot, counted from 1. */
  readonly begin: (number: number, peer: string) => LeRobotSession;
  readonly onForgotten: (number: number) => void;
}

/**
 * The sessions of robots by their connections. gRPC says which connection a call came over, and nothing else: a robot whose connection was torn comes
 * over another one, without its instructions, so those of its address are remembered.
 */
export class Robots {
  readonly #settings: RobotsSettings;
  readonly #robots = new Map<string, Robot>();
  /** The newest instructions of each address. */
  readonly #instructions = new Map<string, Instructions>();
  #count = 0;

  constructor(settings: RobotsSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#robots.size;
  }

  /** The robot of a connection, by its address and port. @throws ServerBusyError where there are too many. */
  of(peer: string): Robot {
    const { most, now, begin } = this.#settings;
    this.#forgetIdle();
    const known = this.#robots.get(peer);
    if (known) {
      known.heard = now();
      return known;
    }
    if (this.#robots.size >= most) throw new ServerBusyError(`${most} robots are connected, as many as are allowed.`);
    const number = ++this.#count;
    const robot = { number, session: begin(number, peer), heard: now() };
    const instructions = this.#instructions.get(addressOf(peer));
    if (instructions) robot.session.adopt(instructions);
    this.#robots.set(peer, robot);
    return robot;
  }

  /** Instructions that hold for an address from now on. */
  remember(peer: string, instructions: Instructions): void {
    this.#instructions.set(addressOf(peer), instructions);
  }

  /** Nobody waits any more. */
  clear(): void {
    for (const { session } of this.#robots.values()) session.ready();
    this.#robots.clear();
  }

  #forgetIdle(): void {
    const { idleMs, now, onForgotten } = this.#settings;
    for (const [peer, { number, session, heard }] of this.#robots) {
      if (now() - heard <= idleMs) continue;
      session.ready();
      this.#robots.delete(peer);
      onForgotten(number);
    }
    // As many addresses as there may be robots.
    for (const address of [...this.#instructions.keys()].slice(0, Math.max(0, this.#instructions.size - this.#settings.most))) {
      this.#instructions.delete(address);
    }
  }
}

function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
