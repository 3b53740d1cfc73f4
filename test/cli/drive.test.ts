import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findCalibration } from '../../src/cli/drive/calibration-file.js';
import { cameraOptions } from '../../src/cli/drive/cameras.js';
import { confirmed } from '../../src/cli/drive/confirm.js';
import { sessionLine } from '../../src/cli/drive/report.js';
import { checkUnits, trainedRanges } from '../../src/cli/drive/trained-ranges.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import type { Unnormalizer } from '../../src/spec/policy-spec.js';
import { ARM_UNET, writeArmPolicy } from '../support/arm-policy.js';
import { warmstep } from '../support/captured.js';
import { FeetechArm } from '../support/feetech-arm.js';
import { CAMERA, STATE } from '../support/pretend-policy.js';

const root = mkdtempSync(join(tmpdir(), 'warmstep-drive-'));
const calibration = join(root, 'arm.json');
let policy = '';
beforeAll(async () => {
  writeFileSync(calibration, JSON.stringify(new FeetechArm().calibration));
  policy = await writeArmPolicy(root);
});
afterAll(() => rmSync(root, { recursive: true }));

describe('drive, before a device or a port is opened', () => {
  beforeAll(() => void vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened')));
  afterEach(() => expect(vi.mocked(ComputeDevice.open)).not.toHaveBeenCalled());
  afterAll(() => void vi.restoreAllMocks());

  const run = (...args: string[]): ReturnType<typeof warmstep> => warmstep('drive', ...args);
  const usual = (): string[] => [
    'so101',
    '--port',
    join(root, 'no-port'),
    '--policy',
    policy,
    '--units',
    'degrees',
    '--calibration',
    calibration,
  ];

  it.each<[string, string[], string]>([
    ['no robot', [], 'say what to drive, so101'],
    ['another robot', ['koch'], 'say what to drive, so101: found "koch"'],
    ['no port', ['so101'], 'option --port is missing'],
    ['no policy', ['so101', '--port', 'x'], 'option --policy is missing'],
    ['no units', ['so101', '--port', 'x', '--policy', 'y'], 'option --units is missing'],
    [
      'other units',
      ['so101', '--port', 'x', '--policy', 'y', '--units', 'radians'],
      '--units must be one of degrees, range, found "radians"',
    ],
    ['an answer to no question', ['so101', '--port', 'x', '--policy', 'y', '--units', 'range', '--yes'], '--yes needs --move'],
    ['no arm', ['so101', '--port', 'x', '--policy', 'y', '--units', 'range'], 'say which arm it is'],
    ['a rate of nought', ['so101', '--port', 'x', '--policy', 'y', '--units', 'range', '--fps', '0'], '--fps must be a number, 1 to 200'],
    ['no limit', ['so101', '--port', 'x', '--policy', 'y', '--units', 'range', '--max-relative', '-1'], 'max-relative'],
  ])('%s is a wrong command line', async (_, args, words) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });

  it('a camera that the policy has not is one too', async () => {
    const { code, stderr } = await run(...usual(), '--camera', 'front=/dev/video0');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--camera front: the policy has no camera')]);
  });

  it('a policy of another robot is refused before the arm is touched', async () => {
    const other = await writeArmPolicy(root, { ...ARM_UNET, actionDim: 2, conditioningDim: 6 }, 3);
    const { code, stderr } = await run('so101', '--port', 'x', '--policy', other, '--units', 'degrees', '--calibration', calibration);
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected a policy that reads 6 joint values')]);
  });

  it('a port that is not there is told in words', async () => {
    const { code, stderr } = await run(...usual());
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/the serial port cannot be opened: .*Is it plugged in, yours to use, and free\?/),
    ]);
  });
});

describe('the calibration', () => {
  it('is found where LeRobot keeps it, under its newest name first', async () => {
    for (const kind of ['so100_follower', 'so_follower']) {
      const folder = join(root, 'robots', kind);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'blue.json'), JSON.stringify(new FeetechArm().calibration));
      expect((await findCalibration({ id: 'blue' }, { HF_LEROBOT_CALIBRATION: root })).file).toBe(join(folder, 'blue.json'));
    }
    await expect(findCalibration({ id: 'red' }, { HF_LEROBOT_HOME: root })).rejects.toThrow(
      new RegExp(`--id red: expected a calibration file at ${root}/calibration/robots/so_follower/red.json or .*found none`),
    );
    await expect(findCalibration({ id: '../red' }, {})).rejects.toThrow(/--id must be a name/);
    writeFileSync(join(root, 'cut.json'), '{"gripper"');
    await expect(findCalibration({ calibration: join(root, 'cut.json') })).rejects.toThrow(
      /expected LeRobot's calibration file, found no JSON/,
    );
  });
});

describe('units', () => {
  const action = (mode: Unnormalizer['mode'], low: number[], high: number[]): Unnormalizer => ({
    mode,
    add: new Float32Array(6).fill(1),
    halve: new Float32Array(6).fill(0.5),
    multiply: Float32Array.from(low, (value, i) => (high[i] as number) - value),
    shift: Float32Array.from(low),
  });
  const wide = action('min-max', [-120, -90, -50, -50, -50, 0], [20, 90, 50, 50, 50, 100]);

  it('of a policy that goes beyond ±100 are degrees', () => {
    const ranges = trainedRanges(wide);
    expect(ranges?.joints[0]).toEqual({ low: -120, high: 20 });
    expect(() => checkUnits('range', ranges)).toThrow(
      /--units range: the policy's actions of shoulder_pan go from -120.0 to 20.0, beyond ±100: they are degrees/,
    );
    expect(() => checkUnits('degrees', ranges)).not.toThrow();
    expect(() => checkUnits('range', trainedRanges(action('min-max', Array(6).fill(-100), Array(6).fill(100))))).not.toThrow();
    expect(trainedRanges({ ...wide, mode: 'identity' })).toBeUndefined();
  });
});

describe('cameras', () => {
  const features = [STATE, CAMERA, { ...CAMERA, name: 'observation.images.wrist', feature: 'observation.images.wrist' }];
  it('are named as people or as policies do, in the size of the policy or their own', () => {
    expect(cameraOptions(['front=/dev/video0', 'observation.images.wrist=http://robot/a=b@640x480'], features)).toEqual([
      { name: 'observation.images.front', source: '/dev/video0', width: 6, height: 4 },
      { name: 'observation.images.wrist', source: 'http://robot/a=b', width: 640, height: 480 },
    ]);
  });

  it.each([
    [['front'], /--camera must be NAME=SOURCE/],
    [['front=/dev/video0'], /the policy reads "observation.images.wrist": say where from/],
    [['front=a', 'front=b'], /given twice/],
    [['back=a'], /--camera back: the policy has "observation.images.front", "observation.images.wrist"/],
    [['front=a@0x4'], /at least one pixel/],
  ])('%j is refused', (texts, message) => {
    expect(() => cameraOptions(texts, features)).toThrow(message);
  });
});

describe('the line at the end', () => {
  const end = { reason: { kind: 'requested', message: 'enough', error: undefined }, error: undefined, relaxError: undefined } as const;
  const line = (torque: 'off' | 'on' | 'unknown', failures: number, moves = false): string =>
    sessionLine(
      { end: { ...end, torque }, isDone: true, latencies: [], goals: [], steps: [], first: undefined, actions: 2, lateTicks: 0, failures },
      moves,
    );

  it('says what is known of the torque, and what failed, cameras included', () => {
    expect(line('off', 0)).toBe(
      '0 decisions; 2 actions that would have been sent, 0 late ticks, 0 failed readings or goals. The torque is off.',
    );
    expect(line('on', 1)).toMatch(/, 1 failed reading or goal\. The torque is on: the arm holds its pose\.$/);
    expect(line('unknown', 3)).toMatch(/, 3 failed readings or goals\. Whether the torque is on is not known: the arm did not say\.$/);
    expect(line('unknown', 3, true)).toMatch(/2 actions sent, .*3 failed readings or goals\.$/);
  });
});

describe('the question', () => {
  it.each([
    ['yes\n', true],
    ['YES \n', true],
    ['y\n', false],
    ['\n', false],
    ['', false],
  ])('takes %j for %s', async (answer, expected) => {
    expect(await confirmed('Really?', new AbortController().signal, Readable.from([answer]))).toBe(expected);
  });

  it('takes Ctrl-C for a no', async () => {
    const abortion = new AbortController();
    const answer = confirmed('Really?', abortion.signal, new Readable({ read: () => {} }));
    abortion.abort();
    expect(await answer).toBe(false);
  });
});
