import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeArmPolicy } from '../support/arm-policy.js';
import { repositoryPath } from '../support/captured.js';
import { HAS_SOCAT, SimulatedBus } from '../support/simulated-bus.js';

if (!HAS_SOCAT) console.log('left out: driving an arm over a pseudo-terminal needs socat');

const root = mkdtempSync(join(tmpdir(), 'warmstep-drive-'));
const policy = await writeArmPolicy(root);
afterAll(() => rmSync(root, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `warmstep drive` as its user runs it: the built program, a policy on the software adapter, the package serialport, a simulated arm elsewhere. */
describe.skipIf(!HAS_SOCAT)('driving an arm', () => {
  let bus: SimulatedBus;
  let child: ChildProcessWithoutNullStreams | undefined;
  beforeEach(async () => {
    bus = await SimulatedBus.open();
    writeFileSync(join(root, 'arm.json'), JSON.stringify(bus.calibration));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    bus.close();
  });

  /** Starts it; `typed`: what its user answers. */
  function drive(args: readonly string[], typed?: string): Promise<Ended> {
    const usual = ['--port', bus.path, '--policy', policy, '--units', 'degrees', '--calibration', join(root, 'arm.json'), '--fps', '20'];
    const started = spawn(process.execPath, [repositoryPath('dist/src/cli/main.js'), 'drive', 'so101', ...usual, ...args]);
    child = started;
    let [stdout, stderr] = ['', ''];
    started.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    started.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    if (typed === undefined) started.stdin.end();
    else started.stdin.write(typed);
    return once(started, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  }

  const moving = (): Promise<void> =>
    expect
      .poll(async () => (await bus.state()).torque.every((on) => on === 1) && (await bus.state()).writes > 90, { timeout: 60_000 })
      .toBe(true);

  it('is a dry run, which writes nothing', async () => {
    const { code, stdout, stderr } = await drive(['--seconds', '2']);
    expect(stderr).toContain('this was a dry run: nothing was sent. --move lets the policy move the arm.');
    expect(stdout).toMatch(/shoulder_pan +1 +2001 +0\.0 +-1\.0 … 1\.0 +7\.4 V +31 °C +off/);
    expect(stdout).toMatch(/\d+ decisions?, p50 .* that would have been sent/);
    expect(code).toBe(0);
    expect(await bus.state()).toMatchObject({ writes: 0, torque: [0, 0, 0, 0, 0, 0] });
  });

  it('asks before it takes hold, and takes anything but yes for a no', async () => {
    const { code, stderr } = await drive(['--move'], 'sure\n');
    expect(stderr).toMatch(/it goes limp: support it.*Type "yes" to begin:\n.*not confirmed: nothing was moved/s);
    expect(code).toBe(1);
    expect((await bus.state()).writes).toBe(0);
    const silent = await drive(['--move']);
    expect([silent.code, silent.stderr]).toEqual([1, expect.stringContaining('not confirmed')]);
  });

  it('moves within its limit through a bad line, for as long as it was told, and lets go', async () => {
    const ended = drive(['--move', '--max-relative', '2', '--json', '--seconds', '3'], 'yes\n');
    await moving();
    bus.tell({ faults: ['drop', 'corrupt', 'pieces', 'late', 'drop'] });
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { torque: string; actions: number; reason: string; bus: { repeated: number } };
    expect(result).toMatchObject({ torque: 'off', reason: 'its time is over', done: true });
    expect(result.actions).toBeGreaterThan(10);
    expect(result.bus.repeated).toBeGreaterThan(0);
    const { torque, positions } = await bus.state();
    expect(torque).toEqual([0, 0, 0, 0, 0, 0]);
    // Its actions lie within a degree of the middle of a joint's way, 2000 … 2003.
    for (const at of positions.slice(0, 5)) expect(Math.abs(at - 2002)).toBeLessThan(20);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('takes the torque off on %s in the middle', async (signal) => {
    const ended = drive(['--move', '--yes']);
    await moving();
    child?.kill(signal);
    const { code, stdout } = await ended;
    expect(stdout).toContain('The torque is off.');
    expect(code).toBe(0);
    expect((await bus.state()).torque).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('leaves it on where it was told so, and where it is killed outright', async () => {
    const ended = drive(['--move', '--yes', '--at-end', 'hold', '--seconds', '1']);
    expect((await ended).stdout).toContain('The torque is on: the arm holds its pose.');
    expect((await bus.state()).torque).toEqual([1, 1, 1, 1, 1, 1]);
    const killed = drive(['--move', '--yes']);
    await moving();
    child?.kill('SIGKILL');
    await killed;
    const { goals, torque } = await bus.state();
    expect(torque).toEqual([1, 1, 1, 1, 1, 1]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await bus.state()).goals).toEqual(goals);
  });

  it('ends with words when it is unplugged, and when a servo complains', async () => {
    const unplugged = drive(['--move', '--yes']);
    await moving();
    bus.tell({ error: [2, 0x20] });
    const complaint = await unplugged;
    expect(complaint.stderr).toMatch(/failed: servo 2 says that it is overloaded/);
    expect(complaint.code).toBe(1);
    expect((await bus.state()).torque).toEqual([0, 0, 0, 0, 0, 0]);
    bus.tell({ error: [2, 0] });
    const pulled = drive(['--move', '--yes']);
    await moving();
    bus.tell({ unplug: true });
    const { code, stderr } = await pulled;
    expect(stderr).toMatch(/failed 3 times in a row: the serial line is gone/);
    expect(stderr).toMatch(/the torque could not be taken off: .*switch the supply off/);
    expect(code).toBe(1);
  });

  it('refuses an arm that is silent, and a calibration of another one', async () => {
    bus.tell({ silent: true });
    const silent = await drive([]);
    expect([silent.code, silent.stderr]).toEqual([1, expect.stringContaining('shoulder_pan (servo 1) does not answer')]);
    bus.tell({ silent: false });
    writeFileSync(
      join(root, 'arm.json'),
      JSON.stringify({ ...bus.calibration, gripper: { ...bus.calibration['gripper'], homing_offset: 5 } }),
    );
    const other = await drive(['--move', '--yes']);
    expect([other.code, other.stderr]).toEqual([
      1,
      expect.stringMatching(/gripper homing offset 60 in the servo, 5 in the file.*nothing was moved/s),
    ]);
    expect((await bus.state()).writes).toBe(0);
  });
});
