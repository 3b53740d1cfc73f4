import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { ofFile, SetupError } from '../../src/foundation/setup-error.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { repositoryPath, warmstep } from '../support/captured.js';
import { evaluationRecord } from '../support/evaluation-record.js';
import { FeetechArm } from '../support/feetech-arm.js';

const root = mkdtempSync(join(tmpdir(), 'warmstep-codes-'));
const at = (name: string): string => join(root, name);
const POLICY = repositoryPath('test/goldens/state-ddim2/policy');

/** A file of that text, by its path. */
function file(name: string, content: unknown): string {
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
  return at(name);
}

/** A folder with an empty file. */
function folder(name: string, path: string): string {
  mkdirSync(dirname(at(join(name, path))), { recursive: true });
  file(join(name, path), '');
  return at(name);
}

/** The only part of an evaluation, with something changed. */
function part(name: string, change: (episode: Record<string, unknown>) => Record<string, unknown>, other: object = {}): string {
  const { strategies, ...record } = evaluationRecord({ episodes: 3 });
  const changed = strategies.map((strategy) => ({ ...strategy, episodes: strategy.episodes.map((one) => change({ ...one })) }));
  return file(name, { ...record, strategies: changed, shard: { index: 1, count: 1, fingerprint: {} }, ...other });
}

const DRIVE = ['drive', 'so101', '--port', 'x', '--policy', POLICY, '--units', 'degrees'];
const { gripper: _, ...fiveJoints } = new FeetechArm().calibration;

describe('the exit code', () => {
  beforeAll(() => void vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened')));
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true });
  });

  it.each<[string, () => string[], string]>([
    ['a record of a part that is none', () => ['eval', 'merge', file('none.json', {})], 'none.json: the record must be of format'],
    ['a record without JSON', () => ['eval', 'merge', file('text.json', 'x')], 'text.json cannot be read as the record of a part'],
    [
      'a part with an episode that is damaged',
      () => ['eval', 'merge', part('ticks.json', (episode) => ({ ...episode, ticks: 'x' }))],
      'ticks.json: ticks of an episode of strategy 0 of the record must be an integer',
    ],
    [
      'a part whose scores are none',
      () => ['eval', 'merge', part('scores.json', (episode) => ({ ...episode, score: 7 })), '--output', at('merged')],
      'scores.json: strategy "ddim:10": score 1 must be a number from 0 to 1, found 7',
    ],
    [
      'one of two parts whose scores are none, which alone is named',
      () => {
        const shard = (index: number): object => ({ shard: { index, count: 2, fingerprint: {} } });
        const sound = part('sound.json', (episode) => episode, shard(1));
        return ['eval', 'merge', sound, part('unsound.json', (episode) => ({ ...episode, score: -1 }), shard(2)), '--output', at('merged')];
      },
      `warmstep: ${at('unsound.json')}: strategy "ddim:10": score 1 must be a number from 0 to 1, found -1`,
    ],
    [
      'a part without strategies',
      () => ['eval', 'merge', part('empty.json', (episode) => episode, { strategies: [] })],
      'empty.json: expected strategies and episodes, found 0 and 3: run this part again.',
    ],
    [
      'a part of no task',
      () => ['eval', 'merge', part('tasks.json', (episode) => episode, { task: 'chess' }), '--output', at('merged')],
      'tasks.json: task "chess" is none of push-t',
    ],
    ['scores of others without JSON', () => ['eval', 'push-t', '--compare', file('text', 'x')], '--compare: '],
    ['demonstrations that are none', () => ['eval', 'push-t', '--policy', `kernel:${file('text', 'x')}`], 'text'],
    ['an arm that nobody calibrated', () => [...DRIVE, '--id', 'nobody'], '--id nobody: expected a calibration file'],
    [
      'a calibration without a joint',
      () => [...DRIVE, '--calibration', file('arm.json', fiveJoints)],
      'arm.json: expected the joint "gripper", found',
    ],
    ['a calibration that is no object', () => [...DRIVE, '--calibration', file('arm.json', '[]')], 'arm.json: the file must be an object'],
    ['a key that no header carries', () => ['serve', 'openpi', '--api-key-file', file('key', 'a b')], '--api-key-file: '],
    ['a recording that is none', () => ['run', '--policy', POLICY, '--input', file('text', 'x'), '--output', at('out')], 'text: '],
    ['a recording of a loop that is none', () => ['replay', file('text', 'x')], 'expected a recording of recordLoop'],
    ['a recording that is a folder', () => ['replay', root], `"${root}" is a folder: give the file that recordLoop wrote.`],
    ['a calibration that is a folder', () => [...DRIVE, '--calibration', root], `${root}: it is a folder.`],
    ['a key that is a folder', () => ['serve', 'openpi', '--api-key-file', root], `${root}: it is a folder.`],
    [
      'a certificate that is not there',
      () => ['serve', 'openpi', '--tls-cert', at('none'), '--tls-key', at('none')],
      `${at('none')}: there is no such file.`,
    ],
    ['scores of others that are not there', () => ['eval', 'push-t', '--compare', at('none')], '(there is no such file)'],
    [
      'a data set in place of a checkpoint',
      () => ['inspect', folder('arrays', 'episode_ends.i32')],
      'arrays: expected "model.safetensors", found a data set (episode_ends.i32). Give the folder of a checkpoint; `warmstep dataset inspect`',
    ],
    [
      'a data set of LeRobot in place of a policy',
      () => ['run', '--policy', folder('lerobot', 'meta/info.json'), '--input', at('text'), '--output', at('out')],
      'lerobot: expected "model.safetensors", found a data set (meta/info.json).',
    ],
    [
      'a folder of data sets',
      () => ['inspect', folder('several', 'one/meta/info.json')],
      'several: expected "model.safetensors", found nothing.',
    ],
    [
      'a folder of a data set whose name ends with its own',
      () => ['inspect', folder('so', 'also/meta/info.json')],
      'so: expected "model.safetensors", found nothing.',
    ],
    ...['.zarray', 'zarr.json'].map((file): [string, () => string[], string] => [
      `a zarr data set in place of a checkpoint (${file})`,
      () => ['inspect', folder(`buffer${file}`, `meta/episode_ends/${file}`)],
      `expected "model.safetensors", found a data set (meta/episode_ends/${file}).`,
    ]),
    [
      'a data set by a path that does not end with its name',
      () => ['inspect', join(dirname(folder('up', 'meta/info.json')), 'up', 'meta') + '/..'],
      'up: expected "model.safetensors", found a data set (meta/info.json).',
    ],
    [
      'a checkpoint in place of a data set',
      () => ['dataset', 'inspect', POLICY],
      'policy: expected a data set, found a checkpoint (config.json, model.safetensors). Give the folder of a data set; `warmstep inspect`',
    ],
    ['a checkpoint that is none', () => ['inspect', root], 'expected "model.safetensors", found'],
    ['a data set that is none', () => ['dataset', 'inspect', root], 'expected a data set'],
  ])('is 1 for a file that is at fault: %s', async (__, args, message) => {
    const { code, stderr } = await warmstep(...args());
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/explains the options|\n +at /);
    expect(code).toBe(1);
  });

  it.each<[string, () => string[], string]>([
    [
      'a part that is given twice',
      () => {
        const one = part('part.json', (episode) => episode);
        return ['eval', 'merge', one, one];
      },
      'are both part 1 of 1: give each part once',
    ],
    ['results without a place', () => ['eval', 'push-t', '--output', ''], '--output is empty: name a place, or leave it out'],
    ['a record without a place', () => ['bench', '--output', ' '], '--output is empty: name a place, or leave it out'],
    [
      'a table of variants behind a link that leads nowhere',
      () => {
        symlinkSync(at('not mounted'), at('disk'));
        return ['tune', '--output', at('disk/tables/own.json')];
      },
      `--output: ${at('disk/tables')} cannot be written: ${at('disk')} is a link to ${at('not mounted')}, where no folder is. Give another place.`,
    ],
    [
      'features of a data set that no episode has',
      () => [
        'dataset',
        'convert',
        repositoryPath('checkpoints/pusht-state/recorded-episode.safetensors'),
        at('to'),
        '--fps',
        '10',
        '--feature',
        'a=none',
      ],
      'expected one of the features',
    ],
    ['a name of an arm that is none', () => [...DRIVE, '--id', '../arm'], '--id must be a name'],
    [
      'a strategy that the checkpoint cannot run',
      () => ['serve', 'openpi', '--policy', POLICY, '--strategy', 'ddim:1000'],
      'steps must be',
    ],
  ])('is 2 for a command line that is: %s', async (__, args, message) => {
    const { code, stderr } = await warmstep(...args());
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/explains the options\.\n$/);
    expect(code).toBe(2);
  });
});

describe('ofFile', () => {
  it('makes SetupErrors of OptionErrors, and of nothing else', async () => {
    const failing = (error: Error, name?: string): Promise<unknown> =>
      ofFile(() => {
        throw error;
      }, name).catch((thrown: unknown) => thrown);
    const option = new OptionError('the list must end at 0.');
    expect(await failing(option, 'a.json')).toMatchObject({
      constructor: SetupError,
      message: 'a.json: the list must end at 0.',
      cause: option,
    });
    expect(await failing(option)).toMatchObject({ constructor: SetupError, message: 'the list must end at 0.' });
    for (const other of [new SetupError('x'), new TypeError('x')]) expect(await failing(other, 'a.json')).toBe(other);
    expect(await ofFile(() => 1)).toBe(1);
  });
});
