import { BROADCAST, checksum, INSTRUCTIONS } from '../../src/robots/packets.js';
import type { SerialLine } from '../../src/robots/port.js';
import { encodeValue, STS3215, STS3215_MODEL } from '../../src/robots/registers.js';

/** A servo: its control table, byte by byte. Torque on, it goes to its goal at once. */
class Servo {
  readonly table = new Uint8Array(128);
  error = 0;

  set(register: (typeof STS3215)[keyof typeof STS3215], value: number): void {
    this.table.set(encodeValue(register, value), register.address);
  }

  write(address: number, bytes: readonly number[]): void {
    this.table.set(bytes, address);
    const { goalPosition, presentPosition, torqueEnable } = STS3215;
    if (this.table[torqueEnable.address] !== 1) return;
    this.table.copyWithin(presentPosition.address, goalPosition.address, goalPosition.address + 2);
  }
}

/** Six simulated STS3215 on a line, and what can go wrong there. The other side of the protocol, written apart from it. */
export class FeetechArm implements SerialLine {
  readonly servos = new Map<number, Servo>();
  /** Questions as they came, without header and sum. */
  readonly seen: number[][] = [];
  /** Of the answers to come: what happens to each. Default: it arrives. */
  readonly faults: ('drop' | 'corrupt' | 'late' | 'pieces' | 'noise' | 'empty' | 'behind')[] = [];
  #listener: (bytes: Uint8Array) => void = () => {};
  #onClose: (why: string) => void = () => {};
  #isGone = false;

  constructor() {
    for (let id = 1; id <= 6; id++) {
      const servo = new Servo();
      servo.set(STS3215.model, STS3215_MODEL);
      servo.set(STS3215.homingOffset, id === 2 ? -100 : 10 * id);
      servo.set(STS3215.minPosition, 1000);
      servo.set(STS3215.maxPosition, 3000 + id);
      servo.set(STS3215.presentPosition, 2000 + id);
      servo.set(STS3215.phase, 0x1c);
      // 12.1 V.
      servo.set(STS3215.presentVoltage, 121);
      servo.set(STS3215.presentTemperature, 30 + id);
      this.servos.set(id, servo);
    }
  }

  /** As LeRobot's file of this arm. */
  get calibration(): Record<string, Record<string, number>> {
    const names = ['shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper'];
    return Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          id: i + 1,
          drive_mode: name === 'gripper' ? 1 : 0,
          homing_offset: i === 1 ? -100 : 10 * (i + 1),
          range_min: 1000,
          range_max: 3001 + i,
        },
      ]),
    );
  }

  position(id: number): number {
    const { table } = this.servos.get(id) as Servo;
    return (table[56] as number) | ((table[57] as number) << 8);
  }

  unplug(): void {
    this.#isGone = true;
    this.#onClose('bad file descriptor');
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#listener = listener;
  }

  onClose(listener: (why: string) => void): void {
    this.#onClose = listener;
  }

  async close(): Promise<void> {
    this.#isGone = true;
  }

  async write(packet: Uint8Array): Promise<void> {
    if (this.#isGone) throw new Error('port is not open');
    const body = [...packet.subarray(2, -1)];
    if (packet[0] !== 0xff || packet[1] !== 0xff || packet.at(-1) !== checksum(body)) return;
    this.seen.push(body);
    const [id = 0, , code, ...parameters] = body;
    if (code === INSTRUCTIONS.syncWrite) {
      const [address = 0, size = 0, ...rest] = parameters;
      for (let at = 0; at < rest.length; at += size + 1)
        this.servos.get(rest[at] as number)?.write(address, rest.slice(at + 1, at + 1 + size));
      return;
    }
    const [address = 0, size = 0, ...ids] = parameters;
    for (const each of code === INSTRUCTIONS.syncRead && id === BROADCAST ? ids : [id]) {
      const servo = this.servos.get(each);
      if (!servo) continue;
      if (code === INSTRUCTIONS.write) servo.write(address, parameters.slice(1));
      const isRead = code === INSTRUCTIONS.read || code === INSTRUCTIONS.syncRead;
      this.#answer(each, servo.error, isRead ? [...servo.table.subarray(address, address + size)] : []);
    }
  }

  #answer(id: number, error: number, parameters: readonly number[]): void {
    const body = [id, parameters.length + 2, error, ...parameters];
    const packet = Uint8Array.of(0xff, 0xff, ...body, checksum(body));
    switch (this.faults.shift()) {
      case 'drop':
        return;
      case 'empty':
        queueMicrotask(() => this.#listener(Uint8Array.of(0xff, 0xff, id, 2, 0, checksum([id, 2, 0]))));
        return;
      case 'behind':
        // An answer to a question before, which comes right before this one's.
        queueMicrotask(() => this.#listener(Uint8Array.of(0xff, 0xff, id, 2, 0, checksum([id, 2, 0]))));
        break;
      case 'corrupt':
        packet[packet.length - 2] = (packet.at(-2) as number) ^ 0x40;
        break;
      case 'late':
        setTimeout(() => this.#listener(packet), 60);
        return;
      case 'pieces':
        for (const byte of packet) queueMicrotask(() => this.#listener(Uint8Array.of(byte)));
        return;
      case 'noise':
        queueMicrotask(() => this.#listener(Uint8Array.of(0x00, 0xff, 0xff, 0xff)));
        break;
      default:
    }
    queueMicrotask(() => this.#listener(packet));
  }
}
