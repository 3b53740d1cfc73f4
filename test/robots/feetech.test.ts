import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { readCalibration } from '../../src/robots/calibration.js';
import { BusError, FeetechBus, ServoError } from '../../src/robots/feetech-bus.js';
import { encodePacket, INSTRUCTIONS, PacketReader } from '../../src/robots/packets.js';
import { decodeValue, encodeValue, STS3215 } from '../../src/robots/registers.js';
import { SoFollower, type SoFollowerOptions } from '../../src/robots/so-follower.js';
import { toSteps, toUnits } from '../../src/robots/units.js';
import { FeetechArm } from '../support/feetech-arm.js';

const FAST = { timeoutMs: 30, retries: 2 };

function bus(): { readonly arm: FeetechArm; readonly bus: FeetechBus } {
  const arm = new FeetechArm();
  return { arm, bus: new FeetechBus(arm, FAST) };
}

describe('packets of the bus', () => {
  it('are Feetech’s, byte by byte', () => {
    // Examples of Feetech's protocol manual: ping of 1, two bytes from 56 of 1.
    expect([...encodePacket(1, INSTRUCTIONS.ping)]).toEqual([0xff, 0xff, 1, 2, 1, 0xfb]);
    expect([...encodePacket(1, INSTRUCTIONS.read, [0x38, 2])]).toEqual([0xff, 0xff, 1, 4, 2, 0x38, 2, 0xbe]);
    const write = encodePacket(0xfe, INSTRUCTIONS.syncWrite, [42, 2, 1, 0x00, 0x08, 2, 0x01, 0x08]);
    expect([...write]).toEqual([0xff, 0xff, 0xfe, 10, 0x83, 42, 2, 1, 0, 8, 2, 1, 8, 0x34]);
  });

  it('are found in pieces, behind noise, and after damage', () => {
    const reader = new PacketReader();
    const good = Uint8Array.of(0xff, 0xff, 3, 4, 0, 0xd0, 0x07, 0x21);
    const found = [];
    for (const byte of [0, 0xff, 1, 2, ...good, 0xff, 0xff, 3, 4, 0, 1, 2, 0, ...good]) found.push(...reader.push(Uint8Array.of(byte)));
    expect(found).toEqual(Array(2).fill({ id: 3, error: 0, parameters: Uint8Array.of(0xd0, 0x07) }));
    expect(reader.damaged).toBe(1);
  });

  it('hold values as sign and magnitude', () => {
    expect(encodeValue(STS3215.homingOffset, -100)).toEqual([100, 0x08]);
    expect(decodeValue(STS3215.homingOffset, [100, 0x08])).toBe(-100);
    expect(decodeValue(STS3215.presentPosition, [0x01, 0x80])).toBe(-1);
    expect(() => encodeValue(STS3215.homingOffset, 2048)).toThrow(/homing offset must be an integer from -2047 to 2047, found 2048/);
    expect(() => encodeValue(STS3215.proportional, 256)).toThrow(RangeError);
  });
});

describe('the bus', () => {
  it('reads, writes, and reads six servos in one question', async () => {
    const { arm, bus: feetech } = bus();
    expect(await feetech.ping(3)).toBe(true);
    expect(await feetech.read(2, STS3215.homingOffset)).toBe(-100);
    await feetech.write(4, STS3215.proportional, 16);
    expect(arm.servos.get(4)?.table[21]).toBe(16);
    arm.seen.length = 0;
    expect(await feetech.readAll([1, 2, 3, 4, 5, 6], STS3215.presentPosition)).toEqual([2001, 2002, 2003, 2004, 2005, 2006]);
    expect(arm.seen).toHaveLength(1);
  });

  it('asks again for data that an answer leaves out, and tells of it where that does not help', async () => {
    const { arm, bus: feetech } = bus();
    arm.faults.push('empty', 'empty');
    expect(await feetech.read(1, STS3215.model)).toBe(777);
    expect(feetech.quality.repeated).toBe(2);
    arm.faults.push('empty', 'empty', 'empty');
    await expect(feetech.read(1, STS3215.model)).rejects.toThrow(
      /servo 1: expected an answer with 2 bytes of data, found 0, asked 3 times.*timeoutMs \(30\)/,
    );
    // The answer to a ping that was given up comes when the next question is asked.
    arm.faults.push('behind');
    expect(await feetech.read(1, STS3215.model)).toBe(777);
    expect(feetech.quality.repeated).toBe(4);
  });

  it.each(['drop', 'corrupt', 'late', 'pieces', 'noise', 'empty', 'behind'] as const)(
    'gets through a fault on the line: %s',
    async (fault) => {
      const { arm, bus: feetech } = bus();
      arm.faults.push(fault);
      expect(await feetech.read(1, STS3215.presentPosition)).toBe(2001);
      expect(await feetech.read(2, STS3215.presentPosition)).toBe(2002);
      expect(feetech.quality).toEqual({
        repeated: fault === 'behind' || fault === 'pieces' || fault === 'noise' ? 0 : 1,
        damaged: fault === 'corrupt' ? 1 : 0,
      });
    },
  );

  it('says who is silent, after it has asked again', async () => {
    const { arm, bus: feetech } = bus();
    arm.servos.delete(3);
    await expect(feetech.read(3, STS3215.model)).rejects.toThrow(/servo 3 did not answer "model", asked 3 times within 30 ms each/);
    await expect(feetech.readAll([1, 2, 3], STS3215.presentPosition)).rejects.toThrow(BusError);
    await expect(feetech.readAll([1, 3], STS3215.presentPosition)).rejects.toThrow(/^servo 3 did not answer/);
    expect(await feetech.ping(9)).toBe(false);
  });

  it('says what a servo complains of', async () => {
    const { arm, bus: feetech } = bus();
    const servo = arm.servos.get(2);
    if (servo) servo.error = 0x24;
    await expect(feetech.read(2, STS3215.presentPosition)).rejects.toThrow(ServoError);
    await expect(feetech.read(2, STS3215.presentPosition)).rejects.toThrow(/servo 2 says that it is too hot, it is overloaded/);
  });

  it('ends at once when the line is gone, and stays so', async () => {
    const { arm, bus: feetech } = bus();
    arm.faults.push('drop');
    const asked = feetech.read(1, STS3215.presentPosition);
    setTimeout(() => arm.unplug(), 5);
    await expect(asked).rejects.toThrow(/the serial line is gone: bad file descriptor. Plug it in/);
    await expect(feetech.writeAll(STS3215.goalPosition, new Map([[1, 2000]]))).rejects.toThrow(BusError);
  });

  it('waits no longer for a line that takes nothing than for an answer, and goes on when it does again', async () => {
    const { arm, bus: feetech } = bus();
    const write = arm.write.bind(arm);
    arm.write = () => new Promise(() => {});
    const stuck = /the serial line cannot be written to: it did not take 8 bytes within 30 ms\. Is it unplugged\?/;
    await expect(feetech.read(1, STS3215.presentPosition)).rejects.toThrow(stuck);
    await expect(feetech.writeAll(STS3215.goalPosition, new Map([[1, 2000]]))).rejects.toThrow(BusError);
    arm.write = write;
    expect(await feetech.read(1, STS3215.presentPosition)).toBe(2001);
  });

  it('carries out questions one after the other, whoever asks', async () => {
    const { bus: feetech } = bus();
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map((id) => feetech.read(id, STS3215.presentPosition)));
    expect(all).toEqual([2001, 2002, 2003, 2004, 2005, 2006]);
  });
});

describe('units', () => {
  const joint = { id: 1, driveMode: 0, homingOffset: 0, rangeMin: 1000, rangeMax: 3000 } as const;

  it('are LeRobot’s, there and back, cut towards zero', () => {
    expect(toUnits(2000, 'degrees', joint)).toBe(0);
    expect(toUnits(3500, 'degrees', joint)).toBeCloseTo((1500 * 360) / 4095, 12);
    expect(toUnits(3500, 'range', joint)).toBe(100);
    expect(toUnits(1500, 'range', joint)).toBe(-50);
    expect(toUnits(1500, 'range', { ...joint, driveMode: 1 })).toBe(50);
    expect(toUnits(1500, 'percent', joint)).toBe(25);
    expect(toUnits(1500, 'percent', { ...joint, driveMode: 1 })).toBe(75);
    expect(toSteps(-10, 'degrees', joint)).toBe(Math.trunc(2000 - 113.75));
    expect(toSteps(33.33, 'range', joint)).toBe(2333);
    expect(toSteps(200, 'range', joint)).toBe(3000);
    expect(toSteps(-5, 'percent', joint)).toBe(1000);
    for (const steps of [1000, 1234, 2999]) {
      for (const units of ['degrees', 'range', 'percent'] as const) {
        expect(Math.abs(toSteps(toUnits(steps, units, joint), units, joint) - steps)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('a follower arm', () => {
  function follower(options: Partial<SoFollowerOptions> = {}): { readonly arm: FeetechArm; readonly follower: SoFollower } {
    const { arm, bus: feetech } = bus();
    const calibration = readCalibration(arm.calibration);
    return { arm, follower: new SoFollower(feetech, { calibration, units: 'degrees', maxRelativeTarget: Infinity, ...options }) };
  }

  it('is set up as LeRobot sets it up, and is limp until torque is asked for', async () => {
    const { arm, follower: so } = follower();
    await so.connect();
    const gripper = arm.servos.get(6)?.table as Uint8Array;
    const at = ({ address }: { readonly address: number }): number => gripper[address] as number;
    const { proportional, integral, derivative, mode, returnDelay, acceleration, phase, torqueEnable, lock, overloadTorque } = STS3215;
    expect([proportional, integral, derivative, mode, returnDelay, acceleration, phase].map(at)).toEqual([16, 0, 32, 0, 0, 254, 0x0c]);
    expect([torqueEnable, lock, overloadTorque].map(at)).toEqual([0, 0, 25]);
    expect((arm.servos.get(1)?.table as Uint8Array)[overloadTorque.address]).toBe(0);
    await expect(so.send([0, 0, 0, 0, 0, 0])).rejects.toThrow(/the arm is limp: call enableTorque\(\) first/);
    await so.enableTorque();
    expect([torqueEnable, lock].map(at)).toEqual([1, 1]);
    // It keeps the pose that it is in.
    expect(arm.position(1)).toBe(2001);
    await so.relax();
    expect([torqueEnable, lock].map(at)).toEqual([0, 0]);
  });

  it('observes and moves in the units that were said', async () => {
    const { arm, follower: so } = follower({ units: 'range' });
    await so.connect();
    await so.enableTorque();
    const [pan, , , , , gripper] = await so.observe();
    expect(pan).toBeCloseTo(((2001 - 1000) / 2001) * 200 - 100, 4);
    expect(gripper).toBeCloseTo(100 - ((2006 - 1000) / 2006) * 100, 4);
    await so.send([50, 0, 0, 0, 0, 100]);
    expect(arm.position(1)).toBe(Math.trunc(0.75 * 2001 + 1000));
    expect(arm.position(6)).toBe(1000);
  });

  it('goes no farther at once than it may', async () => {
    const { follower: so } = follower({ units: 'range', maxRelativeTarget: 5 });
    await so.connect();
    await so.enableTorque();
    const before = await so.observe();
    const sent = await so.send([90, -90, 0, 0, 0, 0]);
    expect(sent[0]).toBeCloseTo((before[0] as number) + 5, 4);
    expect(sent[1]).toBeCloseTo((before[1] as number) - 5, 4);
  });

  it.each([[[1, 2, 3]], [[1, 2, 3, 4, 5, Number.NaN]], [[1, 2, 3, 4, 5, Infinity]], [null], ['123456']])(
    'sends nothing of %j',
    async (action) => {
      const { arm, follower: so } = follower();
      await so.connect();
      await so.enableTorque();
      arm.seen.length = 0;
      await expect(so.send(action as number[])).rejects.toThrow(/expected 6 finite joint values.*Nothing was sent/);
      expect(arm.seen).toEqual([]);
    },
  );

  it('refuses a calibration that is another arm’s, unless it is to be written', async () => {
    const { arm, bus: feetech } = bus();
    const calibration = readCalibration({ ...arm.calibration, elbow_flex: { ...arm.calibration['elbow_flex'], homing_offset: 77 } });
    const options = { calibration, units: 'degrees', maxRelativeTarget: 10 } as const;
    await expect(new SoFollower(feetech, options).connect()).rejects.toThrow(/elbow_flex homing offset 30 in the servo, 77 in the file/);
    await new SoFollower(feetech, { ...options, writesCalibration: true }).connect();
    expect(await feetech.read(3, STS3215.homingOffset)).toBe(77);
  });

  it('says which joint is missing, or another servo', async () => {
    const { arm, follower: so } = follower();
    arm.servos.delete(5);
    await expect(so.connect()).rejects.toThrow(/wrist_roll \(servo 5\) does not answer/);
    const other = follower();
    other.arm.servos.get(4)?.set(STS3215.model, 1284);
    await expect(other.follower.connect()).rejects.toThrow(/wrist_flex \(servo 4\): expected an STS3215 \(model 777\), found model 1284/);
  });

  it('is limp after relax() at any moment of enableTorque(), and can be taken hold of again', async () => {
    const torques = (arm: FeetechArm): unknown[] => [...arm.servos.values()].map(({ table }) => table[STS3215.torqueEnable.address]);
    // Packets of enableTorque: a question, the goals, two for each of six joints.
    for (let packets = 1; packets <= 14; packets++) {
      const { arm, follower: so } = follower();
      await so.connect();
      const write = arm.write.bind(arm);
      let [seen, relaxed] = [0, undefined as Promise<void> | undefined];
      arm.write = (packet) => {
        if (++seen === packets) relaxed = so.relax();
        return write(packet);
      };
      await expect(so.enableTorque()).rejects.toThrow(/relax\(\) was called meanwhile: the arm is limp/);
      await relaxed;
      expect([packets, torques(arm), so.hasTorque]).toEqual([packets, [0, 0, 0, 0, 0, 0], false]);
      await so.enableTorque();
      expect([torques(arm), so.hasTorque]).toEqual([[1, 1, 1, 1, 1, 1], true]);
    }
  });

  it('relaxes every joint that it can reach', async () => {
    const { arm, follower: so } = follower();
    await so.connect();
    await so.enableTorque();
    arm.servos.delete(2);
    await expect(so.relax()).rejects.toThrow(/servo 2 did not answer/);
    for (const id of [1, 3, 4, 5, 6]) expect(arm.servos.get(id)?.table[STS3215.torqueEnable.address]).toBe(0);
  });
});

describe('a calibration file', () => {
  const { calibration } = new FeetechArm();
  it.each([
    ['a list', [], /must be an object/],
    ['a joint missing', { ...calibration, gripper: undefined }, /expected the joint "gripper"/],
    [
      'ends that are the wrong way round',
      { ...calibration, gripper: { ...calibration['gripper'], range_min: 3500 } },
      /expected range_min below range_max/,
    ],
    ['an id twice', { ...calibration, gripper: { ...calibration['gripper'], id: 1 } }, /two joints have the id 1/],
    ['a text', { ...calibration, gripper: { ...calibration['gripper'], range_max: '3000' } }, /gripper.range_max must be an integer/],
  ])('is refused with %s', (_, json, message) => {
    expect(() => readCalibration(json)).toThrow(OptionError);
    expect(() => readCalibration(json)).toThrow(message);
  });
});
