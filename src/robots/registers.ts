/** A value in a servo's control table. */
export interface Register {
  readonly name: string;
  readonly address: number;
  /** Bytes, little-endian. */
  readonly bytes: 1 | 2;
  /** The bit that says that the rest is negative; undefined where values have no sign. */
  readonly signBit?: number;
}

/** The control table of the Feetech STS3215, as far as it is used; addresses as in Feetech's table and LeRobot's motors/feetech. */
export const STS3215 = {
  model: { name: 'model', address: 3, bytes: 2 },
  id: { name: 'id', address: 5, bytes: 1 },
  returnDelay: { name: 'return delay', address: 7, bytes: 1 },
  minPosition: { name: 'minimum position', address: 9, bytes: 2 },
  maxPosition: { name: 'maximum position', address: 11, bytes: 2 },
  maxTorque: { name: 'maximum torque', address: 16, bytes: 2 },
  phase: { name: 'phase', address: 18, bytes: 1 },
  proportional: { name: 'P', address: 21, bytes: 1 },
  derivative: { name: 'D', address: 22, bytes: 1 },
  integral: { name: 'I', address: 23, bytes: 1 },
  protectionCurrent: { name: 'protection current', address: 28, bytes: 2 },
  homingOffset: { name: 'homing offset', address: 31, bytes: 2, signBit: 11 },
  mode: { name: 'operating mode', address: 33, bytes: 1 },
  overloadTorque: { name: 'overload torque', address: 36, bytes: 1 },
  torqueEnable: { name: 'torque enable', address: 40, bytes: 1 },
  acceleration: { name: 'acceleration', address: 41, bytes: 1 },
  goalPosition: { name: 'goal position', address: 42, bytes: 2, signBit: 15 },
  lock: { name: 'lock', address: 55, bytes: 1 },
  presentPosition: { name: 'present position', address: 56, bytes: 2, signBit: 15 },
  presentLoad: { name: 'present load', address: 60, bytes: 2, signBit: 10 },
  presentVoltage: { name: 'present voltage', address: 62, bytes: 1 },
  presentTemperature: { name: 'present temperature', address: 63, bytes: 1 },
  maxAcceleration: { name: 'maximum acceleration', address: 85, bytes: 1 },
} as const satisfies Record<string, Register>;

/** What the model register of an STS3215 says. */
export const STS3215_MODEL = 777;
/** Steps of a turn. */
export const STEPS_PER_TURN = 4096;

/** The bytes of a value. @throws RangeError for one that the register cannot hold. */
export function encodeValue({ name, bytes, signBit }: Register, value: number): number[] {
  const most = signBit === undefined ? 2 ** (8 * bytes) - 1 : 2 ** signBit - 1;
  const least = signBit === undefined ? 0 : -most;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, found ${value}`);
  }
  const word = value < 0 ? -value | (1 << (signBit as number)) : value;
  return bytes === 1 ? [word] : [word & 0xff, word >> 8];
}

/** The value of bytes: sign and magnitude where there is a sign. */
export function decodeValue({ bytes, signBit }: Register, [low = 0, high = 0]: ArrayLike<number> & Iterable<number>): number {
  const word = bytes === 1 ? low : low | (high << 8);
  if (signBit === undefined || (word & (1 << signBit)) === 0) return word;
  return -(word & ((1 << signBit) - 1));
}
