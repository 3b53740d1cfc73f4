import { type Clock, SYSTEM_CLOCK } from '../../control/clock.js';
import { OptionError } from '../../foundation/errors.js';
import { checkKeys, checkMethods, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { type ArmCalibration, JOINTS, type JointCalibration, type JointName } from '../calibration.js';
import { BROADCAST, encodePacket, INSTRUCTIONS, PacketReader, type StatusPacket } from '../packets.js';
import type { SerialLine } from '../port.js';
import { MemoryLine } from './memory-line.js';
import { checkMotors, MIDDLE, type SimulatedMotors } from './motors.js';
import { SimulatedServo } from './simulated-servo.js';
import { StepsDue } from './steps-due.js';

export interface SimulatedArmOptions {
  /** Of simulated time, and of pauses on the wire. Default: the runtime's. */
  readonly clock?: Clock;
}

/** What went over a simulated arm's bus. */
export interface SimulatedArmTraffic {
  /** Packets that reached the servos whole. */
  readonly packets: number;
  /** Packets with a wrong sum or length: servos keep silent. */
  readonly damaged: number;
  /** Time for which the arm stood still because its process was busy elsewhere, ms. */
  readonly lostMs: number;
}

const WHERE = 'SimulatedArm';
const KEYS = keysOf<SimulatedArmOptions>({ clock: true });
/** How often the physics are caught up with while nobody asks, ms. */
const IDLE_MS = 20;
/** A pause in the middle of a packet after which servos give the packet up, ms: less than what a host waits before it asks again. */
const PAUSE_MS = 20;
/** What the magnets happen to stand at in an arm that was just put together. */
const HOMING_OFFSETS = [84, -512, 230, -37, 911, -1203];

/**
 * Six simulated STS3215 on a bus, in front of the motors of a simulator, in real time: `SoFollower`, `ArmDrive` and LeRobot find an arm there. It begins limp,
 * as one whose supply was switched on. What happened since the last packet is simulated when the next one comes, and every 20 ms in between.
 *
 * Modelled: position, load, voltage, goal (kept within the limits of position), torque, P, homing offset, id. Kept and without effect: D, I, limits of
 * torque and current, acceleration, mode, the lock. Always the same: 30 °C, no error.
 */
export class SimulatedArm {
  /** What LeRobot's calibration of this arm says. */
  readonly calibration: ArmCalibration;
  readonly #motors: SimulatedMotors;
  readonly #servos: readonly SimulatedServo[];
  readonly #clock: Clock;
  readonly #due: StepsDue;
  readonly #reader = new PacketReader();
  readonly #lines = new Set<MemoryLine>();
  #packets = 0;
  #lastByteMs: number;
  #cancel: (() => void) | undefined;
  #failure: Error | undefined;
  #isClosed = false;

  /** @throws OptionError for what are no motors, or no clock. */
  constructor(motors: SimulatedMotors, options: SimulatedArmOptions = {}) {
    this.#motors = checkMotors(WHERE, motors);
    checkKeys(WHERE, options, KEYS);
    const { clock = SYSTEM_CLOCK } = options;
    checkMethods(WHERE, 'clock', clock, 'a clock', ['now', 'after']);
    this.#clock = clock;
    this.calibration = calibrationOf(motors);
    this.#servos = JOINTS.map((name, joint) => new SimulatedServo(motors, joint, this.calibration[name]));
    this.#due = new StepsDue(clock, motors.stepMs);
    this.#lastByteMs = clock.now();
    this.#idle();
  }

  /** The same as LeRobot's file has it, for `JSON.stringify`. */
  get calibrationFile(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    const joints = Object.entries(this.calibration).map(([name, { id, driveMode, homingOffset, rangeMin, rangeMax }]) => {
      return [name, { id, drive_mode: driveMode, homing_offset: homingOffset, range_min: rangeMin, range_max: rangeMax }] as const;
    });
    return Object.fromEntries(joints);
  }

  /** Whether each servo holds its joint, in the order of `JOINTS`. */
  get torque(): readonly boolean[] {
    return this.#servos.map(({ hasTorque }) => hasTorque);
  }

  get traffic(): SimulatedArmTraffic {
    return { packets: this.#packets, damaged: this.#reader.damaged, lostMs: this.#due.lostMs };
  }

  /** What the physics failed with; undefined while they go on. From then on no servo answers, and lines are gone. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * A line to the arm within this process. Closing it, or dropping it, leaves the arm as it is: servos hold their last goal.
   * @throws OptionError where the arm was closed or has failed.
   */
  connect(): SerialLine {
    if (this.#isClosed || this.#failure) throw new OptionError(`${WHERE}.connect: ${this.#why()}: make another one.`);
    const line: MemoryLine = new MemoryLine(
      (bytes) => this.receive(bytes),
      () => void this.#lines.delete(line),
    );
    this.#lines.add(line);
    return line;
  }

  /**
   * Bytes from a host, in whatever pieces; returns what the servos answer at once, which is nothing where the arm was closed or has failed.
   * @throws OptionError for what are no bytes.
   */
  receive(bytes: Uint8Array): Uint8Array {
    if (!(bytes instanceof Uint8Array))
      throw new OptionError(`${WHERE}.receive: expected a Uint8Array of bytes, found ${shownValue(bytes)}.`);
    this.catchUp();
    if (this.#isClosed || this.#failure) return new Uint8Array(0);
    const now = this.#clock.now();
    if (now - this.#lastByteMs > PAUSE_MS) this.#reader.clear();
    this.#lastByteMs = now;
    const answers = this.#reader.push(bytes).flatMap((packet) => this.#obey(packet));
    return Uint8Array.from(answers.flatMap((answer) => [...answer]));
  }

  /** Simulates up to now, without waiting for a packet. */
  catchUp(): void {
    if (this.#isClosed || this.#failure) return;
    const steps = this.#due.take();
    if (steps === 0) return;
    try {
      this.#motors.advance(steps);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#end();
    }
  }

  /** Ends the simulated time; lines to the arm are gone. The simulator is the program's, to be closed after it. */
  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  #why(): string {
    return this.#failure ? `the simulation failed: ${this.#failure.message}` : 'the simulated arm was closed';
  }

  #end(): void {
    this.#cancel?.();
    for (const line of [...this.#lines]) line.end(this.#why());
  }

  #idle(): void {
    this.#cancel = this.#clock.after(IDLE_MS, () => {
      this.catchUp();
      if (!this.#failure && !this.#isClosed) this.#idle();
    });
  }

  /** Answers to a packet of the host: where an answer has its error, a question has its instruction. */
  #obey({ id, error: instruction, parameters }: StatusPacket): Uint8Array[] {
    this.#packets++;
    const [address = 0, size = 0] = parameters;
    if (instruction === INSTRUCTIONS.syncRead) {
      return [...parameters.subarray(2)].flatMap((one) => answer(one, this.#find(one)?.read(address, size)));
    }
    if (instruction === INSTRUCTIONS.syncWrite) {
      // Of a list that was cut short, what is whole.
      for (let at = 2; at + size < parameters.length; at += size + 1) {
        this.#find(parameters[at] as number)?.write(address, parameters.subarray(at + 1, at + 1 + size));
      }
      return [];
    }
    const written = parameters.subarray(1);
    if (instruction === INSTRUCTIONS.write && id === BROADCAST) for (const servo of this.#servos) servo.write(address, written);
    const servo = this.#find(id);
    if (!servo) return [];
    if (instruction === INSTRUCTIONS.ping) return answer(id, new Uint8Array(0));
    if (instruction === INSTRUCTIONS.read && parameters.length === 2) return answer(id, servo.read(address, size));
    if (instruction === INSTRUCTIONS.write && servo.write(address, written)) return answer(id, new Uint8Array(0));
    return [];
  }

  #find(id: number): SimulatedServo | undefined {
    return this.#servos.find((servo) => servo.id === id);
  }
}

/** None for what a servo does not have. */
function answer(id: number, bytes: Uint8Array | undefined): Uint8Array[] {
  return bytes ? [encodePacket(id, 0, [...bytes])] : [];
}

/** Ids in order, and every encoder at the middle of its turn where the joint's angle is 0. */
function calibrationOf({ ranges }: SimulatedMotors): ArmCalibration {
  const joints = JOINTS.map((name, i): [JointName, JointCalibration] => {
    const [low, high] = ranges[i] as readonly [number, number];
    return [name, { id: i + 1, driveMode: 0, homingOffset: HOMING_OFFSETS[i] as number, rangeMin: MIDDLE + low, rangeMax: MIDDLE + high }];
  });
  return Object.fromEntries(joints) as unknown as ArmCalibration;
}
