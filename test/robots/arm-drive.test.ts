import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { DecisionSource } from '../../src/control/decision-source.js';
import type { Observation } from '../../src/observations/frame.js';
import { ArmDrive, type ArmDriveOptions } from '../../src/robots/arm-drive.js';
import { readCalibration } from '../../src/robots/calibration.js';
import { FeetechBus, ServoError } from '../../src/robots/feetech-bus.js';
import { STS3215 } from '../../src/robots/registers.js';
import { openSerialPort } from '../../src/robots/serial-port.js';
import { SoFollower } from '../../src/robots/so-follower.js';
import { wavingSource } from '../support/arm-source.js';
import { FeetechArm } from '../support/feetech-arm.js';
import { CAMERA } from '../support/pretend-policy.js';

const DRY = { tickMs: 5, moves: false, atEnd: 'relax' } as const;
const MOVING = { tickMs: 5, moves: true, atEnd: 'relax' } as const;

async function follower(): Promise<{ simulated: FeetechArm; arm: SoFollower }> {
  const simulated = new FeetechArm();
  const calibration = readCalibration(simulated.calibration);
  const bus = new FeetechBus(simulated, { timeoutMs: 30, retries: 0 });
  return { simulated, arm: new SoFollower(bus, { calibration, units: 'degrees', maxRelativeTarget: 5 }) };
}

/** Stopped after some actions. */
function driven(source: DecisionSource, arm: SoFollower, options: ArmDriveOptions, actions = 5): ArmDrive {
  const drive = new ArmDrive(source, arm, options);
  let seen = 0;
  drive.loop.on('action', () => {
    if (++seen === actions) void drive.stop('enough');
  });
  return drive;
}

const WRITES = new Set([3, 0x83]);
const ALL = [1, 1, 1, 1, 1, 1];
const NONE = [0, 0, 0, 0, 0, 0];
const torques = ({ servos }: FeetechArm): (number | undefined)[] =>
  [...servos.values()].map(({ table }) => table[STS3215.torqueEnable.address]);
const written = ({ seen }: FeetechArm): number => seen.filter(([, , code]) => WRITES.has(code as number)).length;

describe('a drive', () => {
  it('writes nothing in a dry run, and decides from what the arm says', async () => {
    const { simulated, arm } = await follower();
    const windows: Observation[] = [];
    const drive = driven(wavingSource(40, windows), arm, DRY);
    await drive.start();
    expect(await drive.ended).toMatchObject({ reason: { message: 'enough' }, torque: 'off', error: undefined, relaxError: undefined });
    expect(written(simulated)).toBe(0);
    const pose = await arm.observe();
    expect([...(windows[0]?.['observation.state'] as Float32Array)]).toEqual([...pose, ...pose]);
  });

  it('moves by no more than the arm allows, and leaves the torque as it was told', async () => {
    for (const [atEnd, torque] of [
      ['relax', 0],
      ['hold', 1],
    ] as const) {
      const { simulated, arm } = await follower();
      await arm.connect();
      await arm.enableTorque();
      const [before] = await arm.observe();
      const drive = driven(wavingSource(), arm, { ...MOVING, atEnd }, 3);
      await drive.start();
      expect((await drive.ended).torque).toBe(torque === 1 ? 'on' : 'off');
      expect(simulated.servos.get(1)?.table[40]).toBe(torque);
      const [after] = await arm.observe();
      expect((after as number) - (before as number)).toBeGreaterThan(4);
      expect((after as number) - (before as number)).toBeLessThanOrEqual(15.1);
    }
  });

  it('lets some readings fail, and ends after several in a row', async () => {
    const { simulated, arm } = await follower();
    const drive = new ArmDrive(wavingSource(), arm, DRY);
    await drive.start();
    simulated.faults.push('drop', ...Array<'noise'>(5).fill('noise'), 'drop');
    await expect.poll(() => drive.failures, { timeout: 5000 }).toBe(2);
    expect(drive.loop.state).toBe('running');
    simulated.servos.delete(4);
    const { reason, error } = await drive.ended;
    expect(reason.message).toMatch(/^reading the arm failed 3 times in a row: servo 4 did not answer "present position"/);
    expect(error).toBeInstanceOf(Error);
  });

  it('ends at once where a servo complains, and lets go of it all the same', async () => {
    const { simulated, arm } = await follower();
    await arm.connect();
    await arm.enableTorque();
    const drive = new ArmDrive(wavingSource(), arm, MOVING);
    await drive.start();
    const servo = simulated.servos.get(2);
    if (servo) servo.error = 0x20;
    const { reason, error, torque } = await drive.ended;
    expect(reason.message).toMatch(/failed: servo 2 says that it is overloaded/);
    expect(error).toBeInstanceOf(ServoError);
    expect([torque, simulated.servos.get(2)?.table[40]]).toEqual(['off', 0]);
  });

  it('waits for pictures, and takes their failure for one of its own', async () => {
    const { arm } = await follower();
    const source = wavingSource();
    const info = { ...source.info, observations: [...source.info.observations, CAMERA] };
    const picture = { data: new Uint8Array(4 * 6 * 3), width: 6, height: 4 };
    let asked = 0;
    const pictures = (): Observation | undefined => {
      asked++;
      if (asked > 8) throw new Error('the camera was unplugged');
      return asked < 3 ? undefined : { [CAMERA.name]: picture };
    };
    const drive = new ArmDrive({ ...source, info }, arm, { ...DRY, pictures });
    let decisions = 0;
    drive.loop.on('decision', () => decisions++);
    await drive.start();
    expect((await drive.ended).reason.message).toBe('reading the arm failed 3 times in a row: the camera was unplugged');
    expect(decisions).toBeGreaterThan(0);
  });

  it('takes the torque off at a stop while a decision hangs', async () => {
    const { simulated, arm } = await follower();
    await arm.connect();
    await arm.enableTorque();
    let asked = 0;
    const decide = (): Promise<never> => {
      asked++;
      return new Promise(() => {});
    };
    const drive = new ArmDrive({ ...wavingSource(), decide }, arm, MOVING);
    await drive.start();
    await expect.poll(() => asked, { interval: 5 }).toBe(1);
    let hasSettled = false;
    void drive.loop.stopped.then(() => (hasSettled = true));
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'late'));
    expect(await Promise.race([drive.stop('enough'), late])).toMatchObject({ reason: { message: 'enough' }, torque: 'off' });
    expect(torques(simulated)).toEqual(NONE);
    expect(hasSettled).toBe(false);
  });

  it('says of the torque at the end of a dry run what the servos say, not what it set', async () => {
    const { simulated, arm } = await follower();
    simulated.servos.get(5)?.set(STS3215.torqueEnable, 1);
    const drive = driven(wavingSource(), arm, DRY);
    await drive.start();
    expect((await drive.ended).torque).toBe('on');
    expect(written(simulated)).toBe(0);
    const unplugged = new ArmDrive(wavingSource(), arm, DRY);
    await unplugged.start();
    simulated.unplug();
    expect(await unplugged.ended).toMatchObject({ torque: 'unknown', relaxError: undefined });
  });

  it('that is stopped before it starts, or while it does, ends limp and without an error', async () => {
    for (const when of ['before', 'while']) {
      const { simulated, arm } = await follower();
      await arm.connect();
      await arm.enableTorque();
      const drive = new ArmDrive(wavingSource(), arm, MOVING);
      const ticks: number[] = [];
      drive.loop.on('tick', ({ tick }) => ticks.push(tick));
      if (when === 'before') void drive.stop('too early');
      const started = drive.start();
      if (when === 'while') void drive.stop('too early');
      await started;
      expect(torques(simulated)).toEqual(NONE);
      expect(await drive.ended).toMatchObject({ reason: { message: 'too early' }, torque: 'off', error: undefined });
      expect(ticks).toEqual([]);
      await expect(drive.start()).rejects.toThrow(/this drive was started before\. Make another one/);
    }
  });

  it('that was stopped lets go also of an arm that somebody took hold of after it', async () => {
    const { simulated, arm } = await follower();
    await arm.connect();
    const drive = new ArmDrive(wavingSource(), arm, MOVING);
    await drive.stop('too early');
    await arm.enableTorque();
    expect(torques(simulated)).toEqual(ALL);
    await drive.start();
    expect(torques(simulated)).toEqual(NONE);
  });

  it('fails to start where the arm does not answer, unless it was stopped', async () => {
    const { simulated, arm } = await follower();
    simulated.servos.delete(4);
    await expect(new ArmDrive(wavingSource(), arm, DRY).start()).rejects.toThrow(/servo 4 did not answer/);
    const stopped = new ArmDrive(wavingSource(), arm, DRY);
    const started = stopped.start();
    void stopped.stop();
    await started;
    expect((await stopped.ended).torque).toBe('unknown');
  });

  it('is for arms that have torque, and policies of six joints', async () => {
    const { arm } = await follower();
    const early = new ArmDrive(wavingSource(), arm, MOVING);
    await expect(early.start()).rejects.toThrow(/the arm is limp: call connect\(\) and enableTorque\(\) first/);
    await arm.connect();
    await arm.enableTorque();
    await early.start();
    expect((await early.stop()).torque).toBe('off');
    const source = wavingSource();
    const other = { ...source, info: { ...source.info, actionDim: 2 } };
    expect(() => new ArmDrive(other, arm, DRY)).toThrow(
      /expected a policy that reads 6 joint values.*"observation.state" of 6, with actions of 2/,
    );
  });
});

describe('an arm that is looked at', () => {
  it('says what its servos say and where the calibration differs, and is not written to', async () => {
    const simulated = new FeetechArm();
    const { gripper, ...others } = simulated.calibration;
    const calibration = readCalibration({ ...others, gripper: { ...gripper, range_max: 2500 } });
    const arm = new SoFollower(new FeetechBus(simulated), { calibration, units: 'range', maxRelativeTarget: 5 });
    simulated.servos.get(3)?.table.set([74, 31], 62);
    const { servos, differences } = await arm.inspect();
    expect(servos[2]).toMatchObject({ joint: 'elbow_flex', id: 3, steps: 2003, voltage: 7.4, temperature: 31, hasTorque: false });
    expect(differences).toEqual(['gripper maximum position 3006 in the servo, 2500 in the file']);
    expect(written(simulated)).toBe(0);
  });
});

describe('a port of the package serialport', () => {
  it('tells why it cannot be opened, and what it is not', async () => {
    const port = {
      baudRate: 1_000_000,
      open: (done: (error: Error) => void) => done(new Error('Access denied')),
      write: () => {},
      close: () => {},
      on: () => {},
    };
    await expect(openSerialPort(port)).rejects.toThrow(/cannot be opened: Access denied\. Is it plugged in/);
    await expect(openSerialPort({ ...port, baudRate: 9600 })).rejects.toThrow(/expected a baudRate of 1000000/);
    await expect(openSerialPort({} as never)).rejects.toThrow(/a SerialPort of the package serialport/);
  });

  it('is closed after an error too, once', async () => {
    const port = Object.assign(new EventEmitter(), {
      baudRate: 1_000_000,
      open: (done: (error: null) => void) => done(null),
      write: () => {},
      closings: 0,
      close: (done: (error: null) => void) => {
        port.closings++;
        port.emit('close');
        done(null);
      },
    });
    const line = await openSerialPort(port);
    const reasons: string[] = [];
    line.onClose((why) => reasons.push(why));
    port.emit('error', new Error('a framing error'));
    await line.close();
    await line.close();
    expect([port.closings, reasons]).toEqual([1, ['a framing error']]);
  });
});
