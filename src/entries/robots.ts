/** `warmstep/robots`: a Feetech bus, and the SO-100 and SO-101 follower arm on it, over a serial line of any runtime. */

export { type ArmCalibration, JOINTS, type JointCalibration, type JointName, readCalibration } from '../robots/calibration.js';
export { BusError, FeetechBus, type FeetechBusOptions, ServoError } from '../robots/feetech-bus.js';
export type { SerialLine } from '../robots/port.js';
export { type Register, STS3215 } from '../robots/registers.js';
export { SoFollower, type SoFollowerOptions } from '../robots/so-follower.js';
export type { ArmUnits } from '../robots/units.js';
export { openWebSerial, type WebSerialPort } from '../robots/web-serial.js';
