/** `warmstep/robots`: a Feetech bus, the SO-100 and SO-101 follower arm on it, over a serial line of any runtime, and a policy that drives it. */

export { ArmDrive, type ArmDriveEnd, type ArmDriveOptions } from '../robots/arm-drive.js';
export { type ArmCalibration, JOINTS, type JointCalibration, type JointName, readCalibration } from '../robots/calibration.js';
export { BusError, FeetechBus, type FeetechBusOptions, ServoError } from '../robots/feetech-bus.js';
export type { SerialLine } from '../robots/port.js';
export { type Register, STS3215 } from '../robots/registers.js';
export { type NodeSerialPort, openSerialPort } from '../robots/serial-port.js';
export type { SimulatedMotors } from '../robots/simulated/motors.js';
export { SimulatedArm, type SimulatedArmOptions, type SimulatedArmTraffic } from '../robots/simulated/simulated-arm.js';
export { type ArmState, type ServoState, SoFollower, type SoFollowerOptions } from '../robots/so-follower.js';
export type { ArmUnits } from '../robots/units.js';
export { openWebSerial, type WebSerialPort } from '../robots/web-serial.js';
