import { expectTypeOf } from 'vitest';
import type { ControlLoop } from '../../src/entries/control.js';
import type { Policy } from '../../src/entries/core.js';
import {
  type ArmCalibration,
  ArmDrive,
  type ArmDriveEnd,
  type ArmDriveOptions,
  FeetechBus,
  type JointName,
  type NodeSerialPort,
  openSerialPort,
  openWebSerial,
  readCalibration,
  type SerialLine,
  type SoFollower,
  type SoFollowerOptions,
  type WebSerialPort,
} from '../../src/entries/robots.js';
import type { PolicyWorker } from '../../src/entries/worker.js';

// Any line will do for a bus, and both ways to open one give such a line.
expectTypeOf(FeetechBus).constructorParameters.toHaveProperty(0).toEqualTypeOf<SerialLine>();
expectTypeOf(openSerialPort).returns.resolves.toEqualTypeOf<SerialLine>();
expectTypeOf(openWebSerial).returns.resolves.toEqualTypeOf<SerialLine>();
// One is no other: a page's port is not opened as Node's.
expectTypeOf<WebSerialPort>().not.toExtend<NodeSerialPort>();
expectTypeOf<NodeSerialPort>().not.toExtend<WebSerialPort>();

// A calibration has the joints of the arm, as a file of LeRobot does.
expectTypeOf<keyof ArmCalibration>().toEqualTypeOf<JointName>();
expectTypeOf(readCalibration).returns.toEqualTypeOf<ArmCalibration>();

// What hurts when it is guessed has no default: units, the largest step, whether it moves, what becomes of the torque.
expectTypeOf<Omit<SoFollowerOptions, 'units'>>().not.toExtend<SoFollowerOptions>();
expectTypeOf<Omit<SoFollowerOptions, 'maxRelativeTarget'>>().not.toExtend<SoFollowerOptions>();
expectTypeOf<Omit<ArmDriveOptions, 'moves'>>().not.toExtend<ArmDriveOptions>();
expectTypeOf<Omit<ArmDriveOptions, 'atEnd'>>().not.toExtend<ArmDriveOptions>();
expectTypeOf<Omit<ArmDriveOptions, 'pictures' | 'maxFailures'>>().toExtend<ArmDriveOptions>();
expectTypeOf<SoFollowerOptions['units']>().toEqualTypeOf<'degrees' | 'range'>();

expectTypeOf<SoFollower['send']>().parameter(0).toEqualTypeOf<ArrayLike<number>>();
expectTypeOf<SoFollower['send']>().returns.resolves.toEqualTypeOf<Float32Array>();
expectTypeOf<SoFollower['observe']>().returns.resolves.toEqualTypeOf<Float32Array>();

// A policy drives it from here or from a worker, in a loop that listeners hear; how it ended says of the torque what is known.
expectTypeOf<Policy>().toExtend<ConstructorParameters<typeof ArmDrive>[0]>();
expectTypeOf<PolicyWorker>().toExtend<ConstructorParameters<typeof ArmDrive>[0]>();
expectTypeOf(ArmDrive).constructorParameters.toHaveProperty(1).toEqualTypeOf<SoFollower>();
expectTypeOf<ArmDrive['loop']>().toEqualTypeOf<ControlLoop>();
expectTypeOf<ArmDrive['ended']>().resolves.toEqualTypeOf<ArmDriveEnd>();
expectTypeOf<ArmDriveEnd['torque']>().toEqualTypeOf<'off' | 'on' | 'unknown'>();
