import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownRecord } from '../../src/cli/eval/own-record.js';
import { outputFileOption, outputFolderOption } from '../../src/cli/output-options.js';
import { UsageError } from '../../src/terminal/options.js';
import { repositoryPath, warmstep } from '../support/captured.js';

describe('what took long to make is not written over', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-precious-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  async function holding(name: string, ...files: readonly string[]): Promise<string> {
    for (const file of files) {
      await mkdir(join(folder, name, file, '..'), { recursive: true });
      await writeFile(join(folder, name, file), '{}');
    }
    return join(folder, name);
  }

  it.each([
    ['a checkpoint', 'model.safetensors'],
    ['a checkpoint', 'config.json'],
    ['a data set', 'meta/info.json'],
    ['a training run', 'training/state.safetensors'],
    ['a training run', 'training/evaluation.lock'],
    ['an evaluation', 'episodes.jsonl'],
    ['an evaluation', 'evaluation.json'],
    ['a data set', 'zarr.json'],
    ['a data set', '.zgroup'],
    ['a data set', 'meta/episode_ends'],
    ['a data set', 'episode_ends.i32'],
  ])('in folders of results: %s (%s)', async (kind, file) => {
    const place = await holding(`folder-${file.replaceAll('/', '-')}`, file);
    await expect(outputFolderOption('output', place)).rejects.toThrow(
      new UsageError(`--output: ${place} holds ${kind} (${file}), which would be written over: name another folder.`),
    );
  });

  it('but a command goes on in a folder of its own, and in one of other files', async () => {
    const own = await holding('own', 'config.json', 'training/state.safetensors');
    expect(await outputFolderOption('output', own, [], { own: ['training/state.safetensors'] })).toBe(own);
    // What no command writes over: it may lie beside the results.
    const results = await holding('results', 'report.html', 'loop.mcap', 'demonstrations.safetensors', 'part-0.parquet');
    expect(await outputFolderOption('output', results)).toBe(results);
  });

  it('but a record is, by the command that left it', async () => {
    const place = await holding('record', 'evaluation.json');
    const isDemo = ownRecord(place, ({ task }) => task === 'demo');
    const chosen = (): Promise<string> => outputFolderOption('output', place, [], isDemo);
    for (const [content, isOwn] of [
      ['{ "task": "demo" }', true],
      ['{ "task": "push-t" }', false],
      ['null', false],
      ['{', false],
    ] as const) {
      await writeFile(join(place, 'evaluation.json'), content);
      if (isOwn) expect(await chosen()).toBe(place);
      else await expect(chosen()).rejects.toThrow('holds an evaluation (evaluation.json)');
    }
    await writeFile(join(place, 'evaluation.json'), '{ "task": "demo" }');
    await writeFile(join(place, 'episodes.jsonl'), '');
    await expect(chosen()).rejects.toThrow('holds an evaluation (episodes.jsonl)');
  });

  it('nor a file that is read, through a link either; a new one may lie beside it', async () => {
    const input = await holding('input', 'model.safetensors');
    const file = join(input, 'model.safetensors');
    await symlink(input, join(folder, 'link'));
    for (const inputs of [[file], [input], [undefined, join(folder, 'link')]]) {
      await expect(outputFileOption('output', file, inputs)).rejects.toThrow(UsageError);
      await expect(outputFileOption('output', join(folder, 'link', 'model.safetensors'), inputs)).rejects.toThrow(UsageError);
    }
    expect(await outputFileOption('output', join(input, 'actions.safetensors'), [input, 'hf:owner/name'])).toContain('actions');
    // Names that only begin alike.
    await mkdir(join(folder, 'inputs'));
    await writeFile(join(folder, 'inputs', 'a'), '');
    expect(await outputFileOption('output', join(folder, 'inputs', 'a'), [input])).toContain('inputs');
  });

  it('by any command', async () => {
    const policy = join(folder, 'policy');
    await cp(repositoryPath('test/goldens/step-forward-noise/policy'), policy, { recursive: true });
    const dataset = await holding('dataset', 'meta/info.json');
    const part = await holding('part', 'episodes.jsonl');
    const merged = await holding('merged', 'evaluation.json');
    const run = await holding('run', 'report.html', 'training/evaluation.lock');
    for (const [args, says] of [
      [['train', 'policy', '--dataset', dataset, '--output', policy], 'holds a checkpoint'],
      [['train', 'policy', '--dataset', dataset, '--output', dataset], 'holds a data set'],
      [['train', 'predictor', '--policy', policy, '--dataset', dataset, '--output', policy], 'holds a checkpoint'],
      [['eval', 'push-t', '--output', policy], 'holds a checkpoint'],
      [['eval', 'push-t', '--output', run], 'holds a training run'],
      [['eval', 'push-t', '--output', merged], 'holds an evaluation'],
      [['demo', '--output', part], 'holds an evaluation'],
      [['demo', '--output', merged], 'holds an evaluation'],
      [['train', 'predictor', '--policy', policy, '--dataset', dataset, '--output', part], 'holds an evaluation'],
      [['train', 'predictor', '--policy', policy, '--dataset', dataset, '--output', merged], 'holds an evaluation'],
      [['dataset', 'inspect', dataset, '--output', join(dataset, 'meta/info.json')], 'which is read'],
      [['bench', '--write-checkpoint', folder], 'holds a checkpoint'],
    ] as const) {
      const { code, stderr } = await warmstep(...args);
      expect({ code, stderr }, args.join(' ')).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
    }
    expect((await warmstep('eval', 'merge', part, '--output', part)).code).not.toBe(0);
  });
});
