import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressLine } from '../../src/cli/eval/progress-bar.js';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { ARM_UNET, writeArmPolicy } from '../support/arm-policy.js';
import { repositoryPath, warmstep } from '../support/captured.js';

describe('warmstep eval', () => {
  let folder: string;
  /** What matters here is what is written of episodes, not what happens in them. */
  let policy: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-eval-'));
    policy = await writeArmPolicy(folder, { ...ARM_UNET, actionDim: 2, conditioningDim: 4 }, 2);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('writes a record and a report, and prints a table', async () => {
    const output = join(folder, 'first');
    const { code, stdout, stderr } = await warmstep(
      'eval',
      'push-t',
      '--policy',
      policy,
      '--strategies',
      'step:1/predictor=shift,ddim:1',
      '--episodes',
      '2',
      '--latencies',
      '2',
      '--output',
      output,
    );
    expect(stderr).toMatch(/step:1\/predictor=shift +[█░]{24} +0 of 2 episodes/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^step:1\/predictor=shift +[01]\.\d{3} +[01]\.\d{3} … [01]\.\d{3}/m);
    expect(stdout).toMatch(/^ddim:1 .* ms +/m);
    const record = JSON.parse(await readFile(join(output, 'evaluation.json'), 'utf8')) as EvaluationRecord;
    expect(record.strategies.map(({ name, episodes }) => [name, episodes.map(({ seed }) => seed)])).toEqual([
      ['step:1/predictor=shift', [100_000, 100_001]],
      ['ddim:1', [100_000, 100_001]],
    ]);
    expect(record.strategies[0]?.coldLatency?.samplesMs.length).toBeGreaterThan(0);
    expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('<!doctype html>');
  });

  it('says where nothing could be compared, and does not call that agreement', async () => {
    const { code, stdout } = await warmstep(
      'eval',
      'push-t',
      '--policy',
      policy,
      '--strategies',
      'ddim:1',
      '--episodes',
      '1',
      '--latencies',
      '0',
      '--output',
      join(folder, 'compared'),
      '--compare',
      repositoryPath('checkpoints/pusht-state/scores.json'),
    );
    expect(code).toBe(1);
    expect(stdout).toContain('not compared: ddim:1;');
  });

  it('of a policy without predictor leaves STEP out of the usual strategies, and says so in one line; asked for, STEP is an error', async () => {
    const args = ['eval', 'push-t', '--policy', policy, '--episodes', '1', '--latencies', '0', '--output', join(folder, 'usual'), '--json'];
    const { code, stdout, stderr } = await warmstep(...args);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^note: not evaluated: step:2: strategy STEP needs a predictor .*: give --predictor .*\n/),
    ]);
    const record = JSON.parse(stdout) as EvaluationRecord;
    expect(record.strategies.map(({ name, episodes }) => [name, episodes[0]?.failure])).toEqual([
      ['ddim:10', undefined],
      ['ddim:2', undefined],
    ]);
    const asked = await warmstep(...args, '--strategies', 'step:2');
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('give --predictor with a folder, or with "shift"')]);
  });

  describe('with a journal that it goes on with', () => {
    const evaluate = (...args: string[]): ReturnType<typeof warmstep> =>
      warmstep(
        'eval',
        'push-t',
        '--policy',
        policy,
        '--strategies',
        'ddim:1',
        '--episodes',
        '2',
        '--latencies',
        '0',
        '--replays',
        '0',
        ...args,
      );
    /** A finished evaluation whose journal was edited. */
    const edited = async (name: string, edit: (line: string, index: number) => string): Promise<string> => {
      const output = join(folder, name);
      await mkdir(output);
      const lines = (await readFile(join(folder, 'first', 'episodes.jsonl'), 'utf8')).trimEnd().split('\n');
      const journal = lines.filter((line, i) => i === 0 || line.includes('"strategy":"ddim:1"')).map(edit);
      await writeFile(join(output, 'episodes.jsonl'), `${journal.join('\n')}\n`);
      return output;
    };

    it('names a line that is no episode; on demand runs its episode again, with the same numbers', async () => {
      // What it says of the episode is too little for a report.
      const output = await edited('thin', (line, i) => (i === 1 ? '{"strategy":"ddim:1","episode":{"seed":100000,"score":0.5}}' : line));
      const refused = await evaluate('--output', output);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /episodes\.jsonl: line 2 is no episode of this evaluation: success must be true or false, found nothing/,
      );
      expect(refused.stderr).not.toMatch(/^ +at /m);
      const { code, stderr } = await evaluate('--output', output, '--skip-damaged');
      expect([code, stderr]).toEqual([0, expect.stringMatching(/note: episodes\.jsonl: line 2 .*: left out/)]);
      const scores = async (name: string): Promise<number[] | undefined> => {
        const record = JSON.parse(await readFile(join(folder, name, 'evaluation.json'), 'utf8')) as EvaluationRecord;
        return record.strategies.find((strategy) => strategy.name === 'ddim:1')?.episodes.map(({ score }) => score);
      };
      expect(await scores('thin')).toEqual(await scores('first'));
    });

    it('ends with code 1 where a strategy has failed in all its episodes', async () => {
      const fail = (line: string): string => line.replace(/"rewards":/, '"failure":"Error: no power","rewards":');
      const one = await evaluate('--output', await edited('one', (line, i) => (i === 1 ? fail(line) : line)));
      expect([one.code, one.stderr]).toEqual([0, expect.stringContaining('1 of 2 episodes failed; seed 100000: Error: no power')]);
      const all = await evaluate('--output', await edited('all', fail));
      expect([all.code, all.stderr]).toEqual([1, expect.stringContaining('2 of 2 episodes failed; seed 100000: Error: no power')]);
    });
  });

  it('refuses to go on with another evaluation', async () => {
    const output = join(folder, 'first');
    const { code, stderr } = await warmstep(
      'eval',
      'push-t',
      '--policy',
      policy,
      '--strategies',
      'ddim:1',
      '--episodes',
      '1',
      '--precision',
      'f16',
      '--output',
      output,
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/precision was f32, now it is f16/);
  });

  it.each<[string[], RegExp]>([
    [[], /the task must be push-t.*, found none/],
    [['cartpole'], /found "cartpole"/],
    [['push-t', '--strategies', 'ddim:2,nonsense'], /begins with "nonsense"/],
    [['push-t', '--grid', 'step:2'], /one or two options with several values/],
    [['push-t', '--episodes', '0'], /--episodes must be a whole number, 1 to 10000, found "0"/],
    [['push-t', '--strategies', 'ddim:1000', '--output', 'unused'], /steps must be an integer from 1 to 100/],
    [['push-t', '--compare', 'nowhere.json'], /--compare: nowhere.json cannot be read as JSON \(there is no such file\)/],
    [['push-t', '--compare', repositoryPath('package.json')], /package.json has no "scores": give a file such as/],
    [['push-t', '--episodes', '2', '--seed', '4294967295'], /--seed must be at most 4294967294 for 2 episodes/],
    [
      ['push-t', '--strategies', 'ddim:1', '--output', repositoryPath('package.json')],
      /--output: .*package.json cannot be written: a file of that name is in the way/,
    ],
  ])('refuses %j before anything runs', async (args, message) => {
    const { code, stderr } = await warmstep('eval', ...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(existsSync('unused')).toBe(false);
  });
});

describe('the progress bar', () => {
  it('shows what is over, and how long the rest takes at this speed', () => {
    expect(progressLine('step:2', 3, 10, 0.5, 0.5, 30_000)).toBe(`step:2  ${'█'.repeat(12)}${'░'.repeat(12)}  3 of 10 episodes, 0:30 left`);
    expect(progressLine('step:2', 0, 10, 0, 0, 0)).toBe(`step:2  ${'░'.repeat(24)}  0 of 10 episodes`);
  });

  it('takes no speed from what a journal brought', () => {
    expect(progressLine('step:2', 5, 10, 0.5, 0, 0)).toBe(`step:2  ${'█'.repeat(12)}${'░'.repeat(12)}  5 of 10 episodes`);
    expect(progressLine('step:2', 5, 10, 0.75, 0.25, 30_000)).toMatch(/5 of 10 episodes, 0:30 left$/);
  });
});
