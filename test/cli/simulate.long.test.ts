import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { afterAll, describe, expect, it } from 'vitest';
import { readCalibration } from '../../src/robots/calibration.js';
import { FeetechBus } from '../../src/robots/feetech-bus.js';
import { openSerialPort } from '../../src/robots/serial-port.js';
import { type ArmState, SoFollower } from '../../src/robots/so-follower.js';
import { writeArmPolicy } from '../support/arm-policy.js';
import { repositoryPath } from '../support/captured.js';
import { HAS_SOCAT } from '../support/simulated-bus.js';

if (!HAS_SOCAT) console.log('left out: a simulated arm behind a serial port needs socat');

const root = mkdtempSync(join(tmpdir(), 'warmstep-simulate-'));
const policy = await writeArmPolicy(root);
const [port, calibration] = [join(root, 'arm/port'), join(root, 'arm/calibration.json')];

/** The built program, as its users run it: one process has the arm, another one the policy. */
describe.skipIf(!HAS_SOCAT)('warmstep simulate and warmstep drive', () => {
  const children: ChildProcessWithoutNullStreams[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(root, { recursive: true });
  });

  function start(...args: readonly string[]): { child: ChildProcessWithoutNullStreams; text: () => string } {
    const child = spawn(process.execPath, [repositoryPath('dist/src/cli/main.js'), ...args]);
    children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    return { child, text: () => text };
  }

  /** What the arm says to somebody else, who writes nothing. */
  async function look(): Promise<ArmState> {
    const line = await openSerialPort(new SerialPort({ path: port, baudRate: 1_000_000, autoOpen: false }));
    const bus = new FeetechBus(line);
    try {
      const file = readCalibration(JSON.parse(readFileSync(calibration, 'utf8')));
      return await new SoFollower(bus, { calibration: file, units: 'degrees', maxRelativeTarget: 5 }).inspect();
    } finally {
      await bus.close();
    }
  }

  const torque = async (): Promise<boolean> => {
    const held = (await look()).servos.map(({ hasTorque }) => hasTorque);
    expect(new Set(held).size).toBe(1);
    return held[0] as boolean;
  };
  const driving = ['drive', 'so101', '--port', port, '--calibration', calibration, '--policy', policy, '--units', 'degrees', '--fps', '20'];

  it('moves the simulated arm; one that is killed leaves it held, one that ends lets go', async () => {
    const simulation = start('simulate', 'so101', '--folder', join(root, 'arm'), '--seed', '3');
    await expect.poll(() => existsSync(port), { timeout: 60_000, interval: 100 }).toBe(true);
    const before = await look();
    expect([before.differences, await torque(), before.servos[0]?.voltage]).toEqual([[], false, 12]);

    const killed = start(...driving, '--move', '--yes', '--seconds', '600');
    await expect.poll(() => simulation.text() + killed.text(), { timeout: 60_000, interval: 100 }).toMatch(/driving, tick|torque on;/);
    killed.child.kill('SIGKILL');
    await once(killed.child, 'close');
    expect(await torque()).toBe(true);

    const ended = start(...driving, '--move', '--yes', '--seconds', '3');
    const [code] = await once(ended.child, 'close');
    expect([code, ended.text()]).toEqual([0, expect.stringMatching(/\d+ decisions?/)]);
    expect(await torque()).toBe(false);
    const after = await look();
    expect(after.servos.map(({ steps }) => steps)).not.toEqual(before.servos.map(({ steps }) => steps));

    const second = start('simulate', 'so101', '--folder', join(root, 'arm'));
    expect((await once(second.child, 'close'))[0]).toBe(1);
    expect(second.text()).toMatch(/port: another simulation may be running there: end it/);

    simulation.child.kill('SIGINT');
    expect((await once(simulation.child, 'close'))[0]).toBe(0);
    expect(simulation.text()).toMatch(/packets +[\d,. ]+, 0 damaged\ntorque +off/);
    expect(existsSync(port)).toBe(false);
  }, 180_000);
});
