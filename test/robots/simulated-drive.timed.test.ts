import { afterEach, describe, expect, it } from 'vitest';
import { ArmDrive } from '../../src/robots/arm-drive.js';
import { STS3215 } from '../../src/robots/registers.js';
import { wavingSource } from '../support/arm-source.js';
import { FaultyLine, type LineFault } from '../support/faulty-line.js';
import { followerOf, type SimulatedSo101, simulatedSo101 } from '../support/simulated-so101.js';

const TICK_MS = 1000 / 30;
const IDS = [1, 2, 3, 4, 5, 6];
const ALL = new Array<boolean>(6).fill(true);
const NONE = new Array<boolean>(6).fill(false);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Occupies the process, physics included. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** In real time: a policy, a ControlLoop, Feetech's bytes, servos in MuJoCo, and back. */
describe('a policy that drives a simulated arm at 30 Hz', () => {
  let simulated: SimulatedSo101 | undefined;
  afterEach(() => {
    simulated?.close();
    simulated = undefined;
  });

  it('gets it where it wants it through lost, cut, changed and late bytes, and through ticks that come late', async () => {
    simulated = await simulatedSo101();
    const { arm, motors } = simulated;
    const line = new FaultyLine(arm.connect());
    const { bus, follower } = followerOf(arm, line);
    await follower.connect();
    await follower.enableTorque();
    const before = await follower.observe();
    const around = new Array<LineFault>(5).fill('none');
    line.there.push(...(['lost', 'short', 'changed'] as const).flatMap((fault) => [...around, fault]));
    line.back.push(...(['late', 'changed', 'lost', 'short'] as const).flatMap((fault) => [...around, ...around, fault]));
    const seen: number[] = [];
    const drive = new ArmDrive(wavingSource(10), follower, { tickMs: TICK_MS, moves: true, atEnd: 'hold', maxFailures: 5 });
    drive.loop.on('observation', ({ observation }) => seen.push((observation['observation.state'] as Float32Array)[0] as number));
    drive.loop.on('action', ({ tick }) => {
      if (tick === 25) block(100);
      if (tick >= 70) void drive.stop('enough');
    });
    const began = performance.now();
    await drive.start();
    const end = await drive.ended;
    const elapsed = performance.now() - began;
    expect(end).toMatchObject({
      reason: { kind: 'requested', message: expect.stringMatching(/^enough( \(an action is still being sent\))?$/) as string },
      torque: 'on',
      error: undefined,
    });
    expect(line.faults).toBe(7);
    expect(bus.quality.repeated).toBeGreaterThanOrEqual(3);
    expect(bus.quality.damaged).toBeGreaterThanOrEqual(1);
    expect(arm.traffic.damaged).toBeGreaterThanOrEqual(1);
    // 70 ticks take 70 ticks of time, however late one was; those that were missed were skipped.
    expect(elapsed).toBeGreaterThan(69 * TICK_MS);
    expect(drive.loop.metrics.skippedTicks).toBeGreaterThanOrEqual(2);
    // The pan joint went from where it was towards 10, as fast as its limit lets it, and was seen on the way.
    const after = await follower.observe();
    expect(Math.abs((after[0] as number) - 10)).toBeLessThan(3);
    expect(Math.abs((before[0] as number) - 10)).toBeGreaterThan(5);
    expect(new Set(seen).size).toBeGreaterThan(5);
    // Held, and at rest: what the bus says is what the simulation has, to the count.
    await pause(300);
    arm.catchUp();
    const counts = motors.readings();
    const said = await bus.readAll(IDS, STS3215.presentPosition);
    expect([said, motors.readings()]).toEqual([counts.map((count) => count + 2048), counts]);
  });

  it('leaves it holding its last goal when it is gone in the middle, for the next one to find and to let go', async () => {
    simulated = await simulatedSo101();
    const { arm, motors } = simulated;
    const line = arm.connect();
    const { follower } = followerOf(arm, line);
    await follower.connect();
    await follower.enableTorque();
    const drive = new ArmDrive(wavingSource(10), follower, { tickMs: TICK_MS, moves: true, atEnd: 'relax', maxFailures: 1 });
    drive.loop.on('action', ({ tick }) => {
      if (tick >= 15) void line.close();
    });
    await drive.start();
    const end = await drive.ended;
    expect(end.reason.message).toMatch(/failed 2 times in a row: the serial line is gone: it was closed/);
    expect(end.torque).toBe('unknown');
    expect(arm.torque).toEqual(ALL);
    await pause(600);
    arm.catchUp();
    const held = motors.readings();
    await pause(300);
    arm.catchUp();
    expect(motors.readings()).toEqual(held);
    const next = followerOf(arm, arm.connect());
    const { servos } = await next.follower.inspect();
    expect(servos.map(({ hasTorque }) => hasTorque)).toEqual(ALL);
    expect(servos.map(({ steps }) => steps)).toEqual(held.map((count) => count + 2048));
    await next.follower.relax();
    expect(arm.torque).toEqual(NONE);
  });
});
