import { afterEach, describe, expect, it } from 'vitest';
import { COUNT } from '../../src/envs/so101/servo.js';
import { So101 } from '../../src/envs/so101/so101.js';
import { toUnits } from '../../src/envs/so101/units.js';
import { readCalibration } from '../../src/robots/calibration.js';
import { BusError, FeetechBus } from '../../src/robots/feetech-bus.js';
import { encodePacket, INSTRUCTIONS } from '../../src/robots/packets.js';
import { STS3215 } from '../../src/robots/registers.js';
import type { SimulatedMotors } from '../../src/robots/simulated/motors.js';
import { SimulatedArm } from '../../src/robots/simulated/simulated-arm.js';
import { ManualClock } from '../support/manual-clock.js';
import { mujoco } from '../support/mujoco.js';
import { followerOf, type SimulatedSo101, simulatedSo101 } from '../support/simulated-so101.js';

const IDS = [1, 2, 3, 4, 5, 6];
const TICK_MS = 1000 / 30;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function open(so101 = {}): Promise<SimulatedSo101 & { readonly clock: ManualClock } & ReturnType<typeof followerOf>> {
  const clock = new ManualClock();
  const simulated = await simulatedSo101({ clock, so101 });
  closing.push(simulated.close);
  return { ...simulated, clock, ...followerOf(simulated.arm, simulated.arm.connect(), Infinity) };
}

/** In the middle of what is cut to these counts. */
function unitsOf(arm: SimulatedArm, counts: readonly number[]): number[] {
  return Object.values(arm.calibration).map(({ rangeMin, rangeMax }, joint) => {
    const share = ((counts[joint] as number) + 2048.5 - rangeMin) / (rangeMax - rangeMin);
    return joint === 5 ? 100 * share : 200 * share - 100;
  });
}

describe('a simulated arm on its bus', () => {
  it('is found limp, with the calibration of its file, and set up as any other', async () => {
    const { arm, follower, bus, motors } = await open({ voltage: 7.4 });
    expect(readCalibration(JSON.parse(JSON.stringify(arm.calibrationFile)))).toEqual(arm.calibration);
    const { servos, differences } = await follower.inspect();
    expect(differences).toEqual([]);
    expect(servos.map(({ id, steps, voltage, hasTorque }) => [id, steps, voltage, hasTorque])).toEqual(
      IDS.map((id) => [id, 2048 + (motors.readings()[id - 1] as number), 7.4, false]),
    );
    await follower.connect();
    expect(await bus.read(6, STS3215.proportional)).toBe(16);
    expect(arm.torque).toEqual(new Array(6).fill(false));
    await follower.enableTorque();
    expect(arm.torque).toEqual(new Array(6).fill(true));
  });

  it('gives the counts of the environment that is driven directly, tick by tick, and says them exactly', async () => {
    const { arm, follower, bus, motors, environment, clock } = await open();
    const direct = new So101(await mujoco(), 'so101-pick-place');
    closing.push(() => direct.close());
    direct.reset(3);
    await follower.connect();
    await follower.enableTorque();
    const first = motors.readings();
    const path = new Set<string>();
    for (let tick = 0; tick < 45; tick++) {
      const goal = first.map((count, joint) => count + Math.round(120 * Math.sin((tick + 1) / 7 + joint)));
      const bounded = goal.map((count, joint) => Math.max(motors.ranges[joint]?.[0] ?? 0, Math.min(motors.ranges[joint]?.[1] ?? 0, count)));
      await follower.send(unitsOf(arm, bounded));
      direct.step(toUnits(bounded.map((count) => count * COUNT)));
      clock.jump(TICK_MS);
      const said = await bus.readAll(IDS, STS3215.presentPosition);
      const counts = direct.body.readings.map((angle) => Math.round(angle / COUNT));
      expect(said).toEqual(counts.map((count) => count + 2048));
      expect(motors.readings()).toEqual(counts);
      path.add(said.join());
    }
    expect(environment.snapshot()).toEqual(direct.snapshot());
    expect(path.size).toBeGreaterThan(40);
  });

  it('sinks without torque, holds with it, and says the load', async () => {
    const { follower, bus, clock, motors } = await open();
    await follower.connect();
    await follower.enableTorque();
    // The forearm level, far above the table: 0.4 N m at the elbow.
    const outward = stepsOf([0, 0, 0, 0, 0, 200]);
    for (let tick = 0; tick < 60; tick++) {
      await bus.writeAll(STS3215.goalPosition, outward);
      clock.jump(TICK_MS);
    }
    clock.pass(1000);
    const held = motors.readings();
    expect(Math.abs((await bus.read(3, STS3215.presentLoad)) / 1000)).toBeGreaterThan(0.02);
    clock.pass(1000);
    expect(motors.readings()).toEqual(held);
    await follower.relax();
    expect(await bus.readAll(IDS, STS3215.presentLoad)).toEqual([0, 0, 0, 0, 0, 0]);
    clock.pass(1500);
    const sunk = motors.readings();
    expect((sunk[2] as number) - (held[2] as number)).toBeGreaterThan(200);
    await follower.enableTorque();
    clock.pass(500);
    expect(Math.abs((motors.readings()[2] as number) - (sunk[2] as number))).toBeLessThan(30);
  });

  it('is as stiff as register P says, joint by joint', async () => {
    const { follower, bus, clock, motors } = await open();
    await follower.connect();
    const errors: number[] = [];
    for (const p of [16, 64]) {
      await bus.write(3, STS3215.proportional, p);
      await follower.enableTorque();
      for (let tick = 0; tick < 60; tick++) {
        await bus.writeAll(STS3215.goalPosition, stepsOf([0, 0, 0, 0, 0, 200]));
        clock.jump(TICK_MS);
      }
      errors.push(Math.abs(motors.readings()[2] as number));
    }
    expect(errors[0]).toBeGreaterThan(2 * (errors[1] as number));
  });

  it('keeps goals within its limits, positions beyond a host, and what a homing offset moves', async () => {
    const { arm, bus, motors, clock } = await open();
    const before = await bus.read(1, STS3215.presentPosition);
    await bus.write(1, STS3215.presentPosition, 7);
    await bus.write(1, STS3215.model, 5);
    expect(await bus.read(1, STS3215.presentPosition)).toBe(before);
    expect(await bus.read(1, STS3215.model)).toBe(777);
    await bus.write(1, STS3215.homingOffset, arm.calibration.shoulder_pan.homingOffset + 100);
    expect(await bus.read(1, STS3215.presentPosition)).toBe(before - 100);
    await bus.write(1, STS3215.homingOffset, arm.calibration.shoulder_pan.homingOffset);
    await bus.write(1, STS3215.maxPosition, before + 40);
    await bus.write(1, STS3215.goalPosition, 4095);
    await bus.write(1, STS3215.torqueEnable, 1);
    clock.pass(2000);
    expect(Math.abs(2048 + (motors.readings()[0] as number) - (before + 40))).toBeLessThan(12);
    await bus.write(1, STS3215.id, 9);
    expect([await bus.ping(9), arm.torque]).toEqual([true, [true, false, false, false, false, false]]);
  });

  it('passes over noise and packets that were cut short, and gives up on a packet after a pause', async () => {
    const { arm, clock } = await open();
    const ping = encodePacket(2, INSTRUCTIONS.ping);
    const pong = Uint8Array.of(0xff, 0xff, 2, 2, 0, 0xfb);
    expect(arm.receive(Uint8Array.of(0, 0xff, ...ping, 0xff))).toEqual(pong);
    expect(arm.receive(ping.subarray(0, 3)).length).toBe(0);
    expect(arm.receive(ping.subarray(3))).toEqual(pong);
    // A read of 200 bytes that are not there; a length that promises more than follows.
    expect(arm.receive(encodePacket(2, INSTRUCTIONS.read, [100, 200])).length).toBe(0);
    expect(arm.receive(Uint8Array.of(0xff, 0xff, 2, 40, 1)).length).toBe(0);
    expect(arm.receive(ping).length).toBe(0);
    clock.jump(50);
    expect(arm.receive(ping)).toEqual(pong);
    let state = 1;
    const random = (): number => {
      state = (state * 48271) % 2147483647;
      return state;
    };
    for (let i = 0; i < 400; i++) {
      const instruction = [1, 2, 3, 0x82, 0x83, 6, 0][random() % 7] as number;
      const parameters = Array.from({ length: random() % 12 }, () => random() % 256);
      arm.receive(encodePacket(random() % 2 === 0 ? 0xfe : random() % 8, instruction, parameters));
      clock.jump(5);
    }
    expect(arm.failure).toBeUndefined();
    expect(arm.traffic.packets).toBeGreaterThan(300);
  });

  it('makes up for a quarter of a second that its host was away, and says what it did not make up for', async () => {
    const { arm, clock } = await open();
    clock.jump(200);
    expect(arm.traffic.lostMs).toBe(0);
    clock.jump(1000);
    expect(arm.traffic.lostMs).toBeCloseTo(750, 0);
    arm.close();
    expect(clock.waiting).toBe(0);
  });

  it('is gone where its physics fail or it is closed, and says why', async () => {
    const clock = new ManualClock();
    const motors: SimulatedMotors = {
      voltage: 12,
      stepMs: 1,
      ranges: IDS.map(() => [-100, 100]),
      readings: () => [0, 0, 0, 0, 0, 0],
      loads: () => [0, 0, 0, 0, 0, 0],
      setGoal: () => {},
      setTorque: () => {},
      setProportional: () => {},
      advance: () => {
        throw new Error('no state any more');
      },
    };
    const arm = new SimulatedArm(motors, { clock });
    const bus = new FeetechBus(arm.connect());
    expect(await bus.read(1, STS3215.presentPosition)).toBe(2048);
    clock.pass(30);
    await expect(bus.read(1, STS3215.presentPosition)).rejects.toThrow(BusError);
    await expect(bus.ping(1)).rejects.toThrow(/the simulation failed: no state any more/);
    expect([arm.failure?.message, clock.waiting]).toEqual(['no state any more', 0]);
    expect(() => arm.connect()).toThrow(/the simulation failed/);
    const other = new SimulatedArm({ ...motors, advance: () => {} }, { clock });
    const line = new FeetechBus(other.connect());
    other.close();
    await expect(line.ping(1)).rejects.toThrow(/the simulated arm was closed/);
  });
});

function stepsOf(counts: readonly number[]): Map<number, number> {
  return new Map(counts.map((count, joint) => [joint + 1, 2048 + count]));
}
