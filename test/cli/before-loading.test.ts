import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LOCK_FILE, lockFolder } from '../../src/cli/folder-lock.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { repositoryPath, warmstep } from '../support/captured.js';

const POLICY = repositoryPath('test/goldens/state-ddim2/policy');
const RECORDING = repositoryPath('checkpoints/pusht-state/recorded-episode.safetensors');

describe('before a device is opened', () => {
  const root = mkdtempSync(join(tmpdir(), 'warmstep-before-'));
  const missing = join(root, 'missing', 'file');
  const plain = join(root, 'plain');
  const policies = join(root, 'policies');
  beforeAll(() => {
    writeFileSync(plain, 'old');
    mkdirSync(policies);
    vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened'));
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true });
  });
  afterEach(() => {
    expect(readdirSync(root).sort()).toEqual(['plain', 'policies']);
    expect(vi.mocked(ComputeDevice.open)).not.toHaveBeenCalled();
  });

  const run = (...args: string[]): string[] => ['run', '--policy', POLICY, '--input', RECORDING, '--output', join(root, 'a'), ...args];
  const evaluate = (...args: string[]): string[] => ['eval', 'push-t', '--output', join(root, 'folder'), ...args];

  it.each<[string, string[], string]>([
    ['an output without its folder', run('--output', missing), `--output: ${missing} cannot be written: there is no such file`],
    ['an output that is a folder', run('--output', policies), 'cannot be written: it is a folder'],
    ['an output that is the input', run('--output', RECORDING), '--output must be another file than what is read'],
    ['a strategy that the checkpoint cannot run', run('--strategy', 'ddim:1000'), 'steps must be an integer from 1 to 100'],
    [
      'STEP without its predictor',
      run('--strategy', 'step:2'),
      'needs a predictor for the starts of its decisions, found none: give --predictor',
    ],
    ['a profile that is none', run('--profile', 'quick'), '--profile must be one of safe, fast, found "quick"'],
    ['an output of bench', ['bench', '--output', missing], `--output: ${missing} cannot be written: there is no such file`],
    ['a checkpoint of bench inside of a file', ['bench', '--write-checkpoint', plain], '--write-checkpoint: '],
    ['a batch beyond what there is', ['bench', '--batch', '1,70000'], '--batch must be a whole number, 1 to 65535, found "70000"'],
    ['a horizon beyond what there is', ['bench', '--horizon', '80000'], '--horizon must be a whole number, 16 to 65536, found "80000"'],
    ['pictures of bench without width', ['bench', '--pictures', '84'], '--pictures must be HEIGHTxWIDTH, e.g. 240x320, found "84"'],
    ['cameras of bench without pictures', ['bench', '--cameras', '2'], '--cameras needs --pictures'],
    [
      'what is measured beside a checkpoint that is written',
      ['bench', '--write-checkpoint', policies, '--decisions', '3'],
      '--write-checkpoint measures nothing: leave --decisions out',
    ],
    [
      'a size of tune beside a picture',
      ['tune', '--picture', '84x84', '--size', 'tiny'],
      '--picture is of an image encoder: leave --size out',
    ],
    ['an output of a dry run', ['tune', '--dry-run', '--output', 'x'], '--dry-run stores nothing: leave --output out'],
    [
      'a budget of analyze without predictor',
      ['analyze', 'contraction', '--policy', POLICY, '--budget', '2'],
      '--budget needs --predictor',
    ],
    ['strategies that a preset leaves out, without it', evaluate('--without', 'ddpm:100'), '--without needs --preset'],
    ['a strategy of a recording that is only described', ['replay', 'x', '--strategy', 'ddim:2'], '--strategy needs --policy'],
    ['a size of pictures that are not made', ['demonstrations', 'so101-pick-place', '--size', '8x8'], '--size needs --pictures'],
    [
      'pictures and batches of bench',
      ['bench', '--pictures', '84x84', '--batch', '2'],
      '--pictures is a measurement of its own: leave --batch out',
    ],
    ['a picture of tune without height', ['tune', '--picture', 'x84'], '--picture must be HEIGHTxWIDTH, e.g. 240x320, found "x84"'],
    ['a norm of tune without a picture', ['tune', '--norm', 'group'], '--norm needs --picture'],
    ['an output of tune that is a folder', ['tune', '--output', policies], '--output: '],
    ['an output of analyze inside of a file', ['analyze', 'contraction', '--output', plain], '--output: '],
    ['a dump of verify inside of a file', ['verify', POLICY, '--dump', plain], '--dump: '],
    ['two dumps of one name', ['verify', 'a/case', 'b/case', '--dump', policies], '--dump: two cases are named "case"'],
    ['an output of demo inside of a file', ['demo', '--output', plain], '--output: '],
    ['an output of eval inside of a file', evaluate('--output', plain), '--output: '],
    ['strategies of eval', evaluate('--strategies', 'ddim:1000'), 'steps must be an integer from 1 to 100'],
    ['a preset of eval that is none', evaluate('--preset', 'papers'), '--preset must be one of paper, found "papers"'],
    ['what a preset of eval does not have', evaluate('--preset', 'paper', '--without', 'ddim:3'), '--without: preset paper has no ddim:3'],
    [
      'strategies beside a preset of eval',
      evaluate('--preset', 'paper', '--strategies', 'ddim:1000'),
      'steps must be an integer from 1 to 100',
    ],
    [
      'a policy of something else',
      evaluate('--policy', repositoryPath('test/goldens/state-dialect-a/policy'), '--strategies', 'ddim:1'),
      'give a Push-T policy',
    ],
    [
      'a policy of something else to analyze',
      ['analyze', 'contraction', '--policy', repositoryPath('test/goldens/state-dialect-a/policy')],
      'give a Push-T policy',
    ],
    // 99,999,999,999 episodes were once an error of --seed, which nobody had given.
    ['too many episodes', evaluate('--episodes', '99999999999'), '--episodes must be a whole number, 1 to 10000, found "99999999999"'],
    ['too many episodes of demo', ['demo', '--episodes', '99999999999'], '--episodes must be a whole number, 1 to 10000'],
    [
      'too many episodes of analyze',
      ['analyze', 'contraction', '--episodes', '1e3'],
      '--episodes must be a whole number, 1 to 10000, found "1e3"',
    ],
    ['threads of a task without MuJoCo', evaluate('--threads', '2'), '--threads is for tasks in MuJoCo, and push-t is none: leave it out'],
    ['an episode to draw in JSON', ['dataset', 'inspect', 'x', '--json', '--episode', '1'], '--json draws no episode: leave --episode out'],
    ['a part that is none', evaluate('--shard', '0/4'), '--shard must be K/N, part K from 1 to N, e.g. 2/8, found "0/4"'],
    ['a part beyond the last', evaluate('--shard', '5/4'), '--shard must be K/N'],
    ['more parts than episodes', evaluate('--episodes', '3', '--shard', '1/4'), '3 episodes cannot be shared among 4 parts'],
    ['a merge of nothing', ['eval', 'merge'], 'give the folders of all parts'],
    ['a seed beyond the last', evaluate('--episodes', '2', '--seed', '4294967295'), '--seed must be at most 4294967294 for 2 episodes'],
  ])('%s is refused', async (_, args, message) => {
    const { code, stdout, stderr } = await warmstep(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it.each([
    [
      'scores beyond 1',
      '{"scores":{"ddim:1":{"per_episode":[1e308,0.5]}}}',
      'no list of numbers from 0 to 1 at scores["ddim:1"].per_episode',
    ],
    ['no JSON', '\u001b[2J', 'cannot be read as JSON'],
  ])('a file to compare with that has %s is refused', async (_, content, message) => {
    const file = join(policies, 'scores.json');
    writeFileSync(file, content);
    const { code, stderr } = await warmstep(...evaluate('--compare', file));
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(stderr).not.toContain('\u001b');
  });

  it('a file to compare with that never ends is refused', async () => {
    const { code, stderr } = await warmstep(...evaluate('--compare', '/dev/zero'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('it is no regular file')]);
  });

  it('a folder that another evaluation writes into is refused', async () => {
    const lock = lockFolder(policies);
    for (const command of [['eval', 'push-t'], ['demo']]) {
      const { code, stderr } = await warmstep(...command, '--output', policies);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`process ${process.pid} on `)]);
    }
    expect(existsSync(join(policies, LOCK_FILE))).toBe(true);
    lock.release();
  });
});
