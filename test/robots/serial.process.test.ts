import { SerialPort } from 'serialport';
import { afterEach, describe, expect, it } from 'vitest';
import { ArmDrive } from '../../src/robots/arm-drive.js';
import { readCalibration } from '../../src/robots/calibration.js';
import { BusError, FeetechBus } from '../../src/robots/feetech-bus.js';
import { STS3215 } from '../../src/robots/registers.js';
import { openSerialPort } from '../../src/robots/serial-port.js';
import { SoFollower } from '../../src/robots/so-follower.js';
import { wavingSource } from '../support/arm-source.js';
import { HAS_SOCAT, SimulatedBus } from '../support/simulated-bus.js';

if (!HAS_SOCAT) console.log('left out: tests of a serial port need socat');

/** The package `serialport`, a pseudo-terminal, and a simulated arm in another process behind it. */
describe.skipIf(!HAS_SOCAT)('an arm on a serial port', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(): Promise<{ simulated: SimulatedBus; bus: FeetechBus; arm: SoFollower }> {
    const simulated = await SimulatedBus.open();
    closing.push(() => simulated.close());
    const line = await openSerialPort(new SerialPort({ path: simulated.path, baudRate: 1_000_000, autoOpen: false }));
    const bus = new FeetechBus(line, { timeoutMs: 120 });
    closing.push(() => bus.close().catch(() => {}));
    const arm = new SoFollower(bus, { calibration: readCalibration(simulated.calibration), units: 'degrees', maxRelativeTarget: 5 });
    return { simulated, bus, arm };
  }

  it('is looked at without a byte being written, then set up, held, and let go', async () => {
    const { simulated, arm } = await open();
    const { servos, differences } = await arm.inspect();
    expect(servos.map(({ steps, voltage, temperature, hasTorque }) => [steps, voltage, temperature, hasTorque])).toEqual(
      [1, 2, 3, 4, 5, 6].map((id) => [2000 + id, 7.4, 30 + id, false]),
    );
    expect(differences).toEqual([]);
    expect((await simulated.state()).writes).toBe(0);
    await arm.connect();
    expect((await simulated.state()).torque).toEqual([0, 0, 0, 0, 0, 0]);
    await arm.enableTorque();
    expect((await simulated.state()).torque).toEqual([1, 1, 1, 1, 1, 1]);
    await arm.relax();
    expect((await simulated.state()).torque).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('is driven through drops, damage, late answers and answers in pieces, each goal within its limit', async () => {
    const { simulated, bus, arm } = await open();
    await arm.connect();
    await arm.enableTorque();
    // A question about six joints has six answers.
    const around = Array<'none'>(8).fill('none');
    simulated.tell({ faults: (['drop', 'corrupt', 'pieces', 'late', 'drop'] as const).flatMap((fault) => [fault, ...around]) });
    // A question that is asked again takes 120 ms: ticks are so long that a loop which waits for one is not taken to hang.
    const drive = new ArmDrive(wavingSource(), arm, { tickMs: 40, moves: true, atEnd: 'relax' });
    let actions = 0;
    drive.loop.on('action', () => {
      if (++actions === 20) void drive.stop('enough');
    });
    await drive.start();
    const end = await drive.ended;
    expect(end).toMatchObject({
      reason: { kind: 'requested', message: expect.stringMatching(/^enough( \(an action is still being sent\))?$/) as string },
      torque: 'off',
      error: undefined,
    });
    expect(bus.quality.repeated).toBeGreaterThanOrEqual(3);
    expect(bus.quality.damaged).toBeGreaterThanOrEqual(1);
    const { torque, goals, positions } = await simulated.state();
    expect(torque).toEqual([0, 0, 0, 0, 0, 0]);
    // The source wants 40 degrees at once; a goal is at most 5 degrees, 57 steps, from where the joint is.
    expect(positions[0]).toBeGreaterThan(2060);
    expect(Math.abs((goals[0] as number) - (positions[0] as number))).toBeLessThanOrEqual(57);
  });

  it('ends when it is unplugged in the middle, and says that the torque may be on', async () => {
    const { simulated, arm } = await open();
    await arm.connect();
    await arm.enableTorque();
    const drive = new ArmDrive(wavingSource(), arm, { tickMs: 10, moves: true, atEnd: 'relax' });
    drive.loop.on('action', ({ tick }) => {
      if (tick > 5) simulated.tell({ unplug: true });
    });
    await drive.start();
    const { reason, error, torque, relaxError } = await drive.ended;
    expect(reason.message).toMatch(/(reading the arm|sending a goal) failed 3 times in a row: the serial line is gone/);
    expect(error).toBeInstanceOf(BusError);
    expect([torque, relaxError]).toEqual(['unknown', expect.any(BusError)]);
  });

  it('of a port that is not there says so, and of a wrong rate', async () => {
    const port = (path: string, baudRate: number): SerialPort => new SerialPort({ path, baudRate, autoOpen: false });
    await expect(openSerialPort(port('/dev/there-is-none', 1_000_000))).rejects.toThrow(
      /cannot be opened: .*Is it plugged in, yours to use, and free/,
    );
    await expect(openSerialPort(port('/dev/there-is-none', 9600))).rejects.toThrow(/expected a baudRate of 1000000.*found 9600/);
    const { bus } = await open();
    await bus.close();
    await expect(bus.read(1, STS3215.model)).rejects.toThrow(/the serial line is gone: it was closed/);
  });
});
