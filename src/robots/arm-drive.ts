import { ControlLoop } from '../control/control-loop.js';
import type { DecisionSource } from '../control/decision-source.js';
import type { StopReason } from '../control/events.js';
import { checkDecisionSource } from '../control/options.js';
import { OptionError } from '../foundation/errors.js';
import {
  checkCallbacks,
  checkChoice,
  checkInteger,
  checkKeys,
  checkMethods,
  checkNumber,
  checkToggle,
  keysOf,
} from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import { JOINTS } from './calibration.js';
import { ServoError } from './feetech-bus.js';
import type { SoFollower } from './so-follower.js';

export interface ArmDriveOptions {
  /** Time from one action to the next, at which the policy was trained; LeRobot's usual 30 per second are 1000 / 30. */
  readonly tickMs: number;
  /** Whether the arm moves. false: it is read and decided for, and nothing is sent. */
  readonly moves: boolean;
  /** What becomes of the arm at the end: `relax` lets go, so that it sinks; `hold` leaves it where it is, with torque. Asked where it moves. */
  readonly atEnd: 'relax' | 'hold';
  /** The newest pictures by name; undefined while there are none yet. What it throws is a failed reading. */
  readonly pictures?: () => Observation | undefined;
  /** Readings, or goals, that may fail in a row: the next failure ends the drive. What a servo says of itself ends it at once. Default 2. */
  readonly maxFailures?: number;
}

/** How a drive ended. */
export interface ArmDriveEnd {
  readonly reason: StopReason;
  /** What was thrown, where something was. */
  readonly error: unknown;
  /**
   * `off` where it was taken off; `on` where the arm holds itself; `unknown` where taking it off failed, so that it most likely holds itself. Of
   * a drive that does not move it, and of a limp arm that was to be held, what its servos say at the end; `unknown` where they do not.
   */
  readonly torque: 'off' | 'on' | 'unknown';
  /** What taking the torque off failed with. */
  readonly relaxError: unknown;
}

const WHERE = 'ArmDrive';
const KEYS = keysOf<ArmDriveOptions>({ tickMs: true, moves: true, atEnd: true, pictures: true, maxFailures: true });
/** Ticks after which a reading is too old to decide from. */
const MOST_AGE = 5;

/**
 * A policy that drives a follower arm: it is read once in a tick, a decision is made of what was read, and every tick a goal is sent, within the
 * arm's `maxRelativeTarget`. A reading or a goal that fails is one tick's; several in a row end the drive, and so does anything unexpected.
 */
export class ArmDrive {
  /** For listeners and recorders; stop the drive, not the loop. */
  readonly loop: ControlLoop;
  /**
   * Resolves when the drive has ended, nothing is read or sent any more, and the torque is what `atEnd` says. It does not wait for a decision that
   * is under way: `loop.stopped` does, for as long as a loop waits for one.
   */
  readonly ended: Promise<ArmDriveEnd>;
  readonly #arm: SoFollower;
  readonly #options: Required<Pick<ArmDriveOptions, 'moves' | 'atEnd' | 'maxFailures'>>;
  readonly #pictures: (() => Observation | undefined) | undefined;
  readonly #state: string;
  /** Or is being started. */
  #isStarted = false;
  #reading: Promise<void> | undefined;
  #sending: Promise<void> | undefined;
  #error: unknown;
  readonly #inARow = { reading: 0, goal: 0 };
  #failures = 0;

  /** @throws OptionError, also for a policy of another robot. */
  constructor(source: DecisionSource, arm: SoFollower, options: ArmDriveOptions) {
    checkDecisionSource(source);
    checkMethods(WHERE, 'arm', arm, 'a SoFollower', ['observe', 'send', 'relax', 'enableTorque', 'inspect']);
    checkKeys(WHERE, options, KEYS);
    checkCallbacks(WHERE, options, ['pictures']);
    this.#state = jointsOf(source.info);
    this.#arm = arm;
    this.#pictures = options.pictures;
    this.#options = {
      moves: checkToggle(WHERE, 'moves', options.moves),
      atEnd: checkChoice(WHERE, 'atEnd', options.atEnd, ['relax', 'hold']),
      maxFailures: options.maxFailures === undefined ? 2 : checkInteger(WHERE, 'maxFailures', options.maxFailures, 0, 1000),
    };
    const tickMs = checkNumber(WHERE, 'tickMs', options.tickMs, 'a positive number of milliseconds', (ms) => ms > 0 && ms < Infinity);
    let ended: (end: Promise<ArmDriveEnd>) => void = () => {};
    this.ended = new Promise((resolve) => (ended = resolve));
    this.loop = new ControlLoop(source, {
      tickMs,
      late: 'hold',
      maxObservationAgeMs: MOST_AGE * tickMs,
      send: (action) => (this.#options.moves ? this.#send(action) : undefined),
      onStop: async (reason) => {
        const end = this.#end(reason);
        ended(end);
        await end;
      },
    });
    this.loop.on('tick', () => this.#read());
  }

  /** Readings and goals that failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Begins with what the arm says now; a drive that is stopped before or meanwhile has ended when this resolves, and does not begin.
   * @throws what reading it throws; OptionError for an arm without torque that is to move, or a second start.
   */
  async start(): Promise<void> {
    if (this.#isStarted) throw new OptionError(`${WHERE}.start: this drive was started before. Make another one.`);
    this.#isStarted = true;
    try {
      if (!this.#isStopped()) await this.#begin();
    } catch (error) {
      // What a stop interrupts is no failure.
      if (!this.#isStopped()) {
        // Torque that is missing, say, can be put on.
        this.#isStarted = false;
        throw error;
      }
    }
    if (this.#isStopped()) await this.#endBeforeBeginning();
  }

  async #begin(): Promise<void> {
    if (this.#options.moves && !this.#arm.hasTorque) {
      throw new OptionError(`${WHERE}.start: the arm is limp: call connect() and enableTorque() first.`);
    }
    const pose = await this.#arm.observe();
    if (this.#isStopped()) return;
    this.loop.start({ lastAction: pose });
    this.#read();
  }

  /** Ends the drive, the first time that it is called. */
  stop(message = 'stop() was called'): Promise<ArmDriveEnd> {
    void this.loop.stop(message);
    return this.ended;
  }

  #isStopped(): boolean {
    return this.loop.state === 'stopped';
  }

  /** Lets go once more where somebody took hold after the stop. @throws BusError */
  async #endBeforeBeginning(): Promise<void> {
    await this.ended;
    const { moves, atEnd } = this.#options;
    if (moves && atEnd === 'relax' && this.#arm.hasTorque) await this.#arm.relax();
  }

  /** One reading at a time: a bus that is slower than the ticks is asked less often. */
  #read(): void {
    if (this.#reading) return;
    this.#reading = this.#attempt('reading', async () => {
      const joints = await this.#arm.observe();
      const pictures = this.#pictures ? this.#pictures() : {};
      if (pictures && this.loop.state === 'running') this.loop.observe({ ...pictures, [this.#state]: joints });
    }).finally(() => {
      this.#reading = undefined;
    });
  }

  #send(action: Float64Array): Promise<void> {
    this.#sending = this.#attempt('goal', async () => void (await this.#arm.send(action)));
    return this.#sending;
  }

  async #attempt(what: 'reading' | 'goal', work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#inARow[what] = 0;
    } catch (error) {
      if (this.loop.state !== 'running') return;
      this.#failures++;
      const times = ++this.#inARow[what];
      if (times <= this.#options.maxFailures && !(error instanceof ServoError)) return;
      this.#error = error;
      const message = error instanceof Error ? error.message : String(error);
      void this.loop.stop(
        `${what === 'reading' ? 'reading the arm' : 'sending a goal'} failed${times > 1 ? ` ${times} times in a row` : ''}: ${message}`,
      );
    }
  }

  async #end(reason: StopReason): Promise<ArmDriveEnd> {
    await Promise.all([this.#reading, this.#sending]);
    const { moves, atEnd } = this.#options;
    const end = { reason, error: this.#error ?? reason.error, relaxError: undefined };
    if (moves && atEnd === 'hold' && this.#arm.hasTorque) return { ...end, torque: 'on' };
    if (!moves || atEnd === 'hold') return { ...end, torque: await this.#torqueFound() };
    try {
      await this.#arm.relax();
      return { ...end, torque: 'off' };
    } catch (relaxError) {
      return { ...end, torque: 'unknown', relaxError };
    }
  }

  /** What the servos say, whoever set it: one that holds is enough for an arm that does. */
  async #torqueFound(): Promise<ArmDriveEnd['torque']> {
    try {
      const { servos } = await this.#arm.inspect();
      return servos.some(({ hasTorque }) => hasTorque) ? 'on' : 'off';
    } catch {
      return 'unknown';
    }
  }
}

/** The name that a policy of an SO-100 or SO-101 has for the joints. @throws OptionError for a policy of another robot. */
export function jointsOf({ observations, actionDim }: Pick<DecisionSource['info'], 'observations' | 'actionDim'>): string {
  const vectors = observations.filter((one) => one.kind === 'vector');
  const [state, ...others] = vectors;
  const count = JOINTS.length;
  if (actionDim !== count || state?.size !== count || others.length > 0) {
    const read = vectors.map(({ name, size }) => `"${name}" of ${size}`).join(', ') || 'no vector';
    throw new OptionError(
      `${WHERE}: expected a policy that reads ${count} joint values and pictures, and whose actions are ${count} joint values, found one that reads ${read}, with actions of ${actionDim}.`,
    );
  }
  return state.name;
}
