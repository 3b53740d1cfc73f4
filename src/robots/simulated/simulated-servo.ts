import type { JointCalibration } from '../calibration.js';
import { STEPS_PER_TURN, STS3215 } from '../registers.js';
import { ControlTable } from './control-table.js';
import { MIDDLE, type SimulatedMotors } from './motors.js';

/** The load of a motor at its full voltage, in the register. */
const FULL_LOAD = 1000;

const within = (low: number, high: number, value: number): number => Math.max(low, Math.min(high, value));

/** A control table in front of one of a simulator's motors: what is written moves the motor, what is read is its present. */
export class SimulatedServo {
  readonly #motors: SimulatedMotors;
  readonly #joint: number;
  readonly #table: ControlTable;
  readonly #homingOffset: number;

  constructor(motors: SimulatedMotors, joint: number, calibration: JointCalibration) {
    this.#motors = motors;
    this.#joint = joint;
    this.#homingOffset = calibration.homingOffset;
    this.#table = new ControlTable(calibration, motors.voltage);
    this.#table.set(STS3215.goalPosition, this.#position());
    this.#apply();
  }

  get id(): number {
    return this.#table.get(STS3215.id);
  }

  get hasTorque(): boolean {
    return this.#table.get(STS3215.torqueEnable) === 1;
  }

  /** Bytes of its table; undefined for more than there are. */
  read(address: number, count: number): Uint8Array | undefined {
    this.#table.set(STS3215.presentPosition, this.#position());
    const load = this.#motors.loads()[this.#joint] as number;
    this.#table.set(STS3215.presentLoad, within(-FULL_LOAD, FULL_LOAD, Math.round(FULL_LOAD * load)));
    return this.#table.read(address, count);
  }

  /** Returns whether the table has so many bytes; nothing is written where it has not. */
  write(address: number, bytes: Uint8Array): boolean {
    if (!this.#table.write(address, bytes)) return false;
    this.#apply();
    return true;
  }

  /** What the table says becomes what the motor does. The firmware keeps goals within its limits of position. */
  #apply(): void {
    const [table, motors, joint] = [this.#table, this.#motors, this.#joint];
    const limited = within(table.get(STS3215.minPosition), table.get(STS3215.maxPosition), table.get(STS3215.goalPosition));
    motors.setGoal(joint, within(0, STEPS_PER_TURN - 1, limited) - MIDDLE + this.#shift());
    motors.setProportional(joint, table.get(STS3215.proportional));
    motors.setTorque(joint, this.hasTorque);
  }

  /** What it says of where it is: its sensor's value less its homing offset, within a turn. */
  #position(): number {
    const steps = (this.#motors.readings()[this.#joint] as number) + MIDDLE - this.#shift();
    return ((steps % STEPS_PER_TURN) + STEPS_PER_TURN) % STEPS_PER_TURN;
  }

  /** How far the homing offset is from that of the calibration. */
  #shift(): number {
    return this.#table.get(STS3215.homingOffset) - this.#homingOffset;
  }
}
