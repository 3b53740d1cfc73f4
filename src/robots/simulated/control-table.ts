import type { JointCalibration } from '../calibration.js';
import { decodeValue, encodeValue, type Register, STS3215, STS3215_MODEL } from '../registers.js';

const BYTES = 128;
/** What a servo leaves its factory with. */
const FACTORY = { phase: 0x0c, proportional: 32, derivative: 32, integral: 0, maxTorque: 1000, returnDelay: 250 } as const;
/** °C */
const WARMTH = 30;
/** What a servo says of its present; nobody writes it. */
const PRESENT = { first: STS3215.presentPosition.address, last: 70 } as const;

/** The control table of a simulated servo, byte by byte. */
export class ControlTable {
  readonly #bytes = new Uint8Array(BYTES);

  /** As LeRobot's calibration left it, with the supply of so many volts just switched on: no torque. */
  constructor({ id, homingOffset, rangeMin, rangeMax }: JointCalibration, volts: number) {
    this.set(STS3215.model, STS3215_MODEL);
    this.set(STS3215.id, id);
    this.set(STS3215.minPosition, rangeMin);
    this.set(STS3215.maxPosition, rangeMax);
    this.set(STS3215.homingOffset, homingOffset);
    for (const [name, value] of Object.entries(FACTORY)) this.set(STS3215[name as keyof typeof FACTORY], value);
    this.set(STS3215.presentVoltage, Math.round(10 * volts));
    this.set(STS3215.presentTemperature, WARMTH);
  }

  get(register: Register): number {
    return decodeValue(register, this.#bytes.subarray(register.address, register.address + register.bytes));
  }

  set(register: Register, value: number): void {
    this.#bytes.set(encodeValue(register, value), register.address);
  }

  /** Bytes from an address on, copied; undefined for more than there are. */
  read(address: number, count: number): Uint8Array | undefined {
    return address + count > BYTES ? undefined : this.#bytes.slice(address, address + count);
  }

  /** What a host writes: the model and the present keep what they are. Returns whether the table has so many bytes. */
  write(address: number, bytes: Uint8Array): boolean {
    if (address + bytes.length > BYTES) return false;
    for (const [i, byte] of bytes.entries()) {
      const at = address + i;
      if (at >= STS3215.id.address && !(at >= PRESENT.first && at <= PRESENT.last)) this.#bytes[at] = byte;
    }
    return true;
  }
}
