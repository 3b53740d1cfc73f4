import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FeetechArm } from './feetech-arm.js';

/** Whether this machine has what joins a pseudo-terminal to a process. */
export const HAS_SOCAT = spawnSync('socat', ['-V']).status === 0;

export interface BusState {
  readonly torque: readonly number[];
  readonly positions: readonly number[];
  readonly goals: readonly number[];
  /** Packets that wrote something. */
  readonly writes: number;
}

/** A simulated arm behind a pseudo-terminal, in another process. */
export class SimulatedBus {
  readonly path: string;
  /** LeRobot's file of this arm. */
  readonly calibration = new FeetechArm().calibration;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, path: string) {
    this.#child = child;
    this.#folder = folder;
    this.path = path;
  }

  static async open(): Promise<SimulatedBus> {
    const folder = mkdtempSync(join(tmpdir(), 'warmstep-bus-'));
    const path = join(folder, 'port');
    const child = fork(fileURLToPath(new URL('feetech-simulator.mjs', import.meta.url)), [path], { execArgv: [] });
    await once(child, 'message');
    return new SimulatedBus(child, folder, path);
  }

  tell(message: {
    readonly faults?: readonly ('drop' | 'corrupt' | 'late' | 'pieces' | 'none')[];
    readonly error?: readonly [number, number];
    readonly silent?: boolean;
    readonly unplug?: boolean;
  }): void {
    this.#child.send(message);
  }

  async state(): Promise<BusState> {
    const answered = once(this.#child, 'message');
    this.#child.send({ ask: true });
    const [state] = (await answered) as [BusState];
    return state;
  }

  close(): void {
    this.#child.disconnect();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
