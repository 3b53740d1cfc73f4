import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { CheckpointSource } from '../../src/checkpoints/source.js';
import { hashCheckpoint } from '../../src/cli/eval/checkpoint-hash.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { describeFileProblem, fileProblem } from '../../src/platform/node/file-problem.js';
import { folderSource, openFile } from '../../src/platform/node/folder-source.js';
import { asStranger } from '../support/stranger.js';

const GOLDEN = fileURLToPath(new URL('../goldens/state-bias-film/policy', import.meta.url));
const CONFIG = 'config.json';
const MODEL = 'model.safetensors';
/** Named pipes, link loops and permissions are a matter of Unix. */
const onUnix = it.skipIf(process.platform === 'win32');

let folder: string;
let policy: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmstep-files-'));
  policy = join(folder, 'policy');
  cpSync(GOLDEN, policy, { recursive: true });
});
afterEach(() => {
  chmodSync(policy, 0o755);
  rmSync(folder, { recursive: true });
});

/** The message that a load is refused with; it must come at once. */
async function refusal(load: Promise<unknown>): Promise<string> {
  const error = await load.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as Error).message;
}

const load = async (path = policy): Promise<void> => (await loadPolicyCheckpoint(await folderSource(path))).close();

function replace(file: string, make: (path: string) => void): string {
  const path = join(policy, file);
  rmSync(path);
  make(path);
  return path;
}

describe('what lies in a checkpoint folder instead of a file', () => {
  const fifo = (path: string): void => void execFileSync('mkfifo', [path]);

  onUnix.each([
    ['a FIFO', fifo],
    ['a device', (path: string) => symlinkSync('/dev/zero', path)],
    ['a device', (path: string) => symlinkSync('/dev/tty', path)],
  ])('%s is refused, not waited for', async (kind, make) => {
    for (const file of [CONFIG, MODEL, 'policy_preprocessor.json', 'policy_postprocessor_step_0_unnormalizer_processor.safetensors']) {
      const kept = join(folder, 'kept');
      renameSync(join(policy, file), kept);
      make(join(policy, file));
      const message = `cannot open "${join(policy, file)}": expected a regular file, found ${kind}. Put the file itself there.`;
      expect(await refusal(load())).toBe(message);
      if (file !== CONFIG) expect(await refusal(hashCheckpoint(policy))).toMatch(/expected a regular file/);
      rmSync(join(policy, file));
      renameSync(kept, join(policy, file));
    }
    await load();
  });

  onUnix('a socket is refused', async () => {
    const server = createServer();
    const path = join(policy, CONFIG);
    rmSync(path);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await refusal(load())).toContain('expected a regular file, found a socket');
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(path, '');
  });

  it('a folder is refused', async () => {
    const path = replace(CONFIG, (at) => mkdirSync(at));
    expect(await refusal(load())).toBe(`cannot open "${path}": expected a regular file, found a folder. Put the file itself there.`);
  });

  onUnix('a link that leads in a circle, or nowhere, is refused', async () => {
    const path = replace(CONFIG, (at) => symlinkSync(CONFIG, at));
    expect(await refusal(load())).toBe(`cannot open "${path}": its symbolic links lead in a circle.`);
    replace(CONFIG, (at) => symlinkSync('nowhere', at));
    expect(await refusal(load())).toBe(`cannot open "${path}": there is no such file.`);
  });

  onUnix('a file or folder without permission is refused', async () => {
    chmodSync(folder, 0o755);
    chmodSync(join(policy, CONFIG), 0o000);
    expect(await asStranger(() => refusal(load()))).toBe(`cannot open "${join(policy, CONFIG)}": permission is denied.`);
    chmodSync(policy, 0o311);
    expect(await asStranger(() => refusal(load()))).toBe(`checkpoint folder "${policy}" cannot be listed: permission is denied.`);
    chmodSync(folder, 0o600);
    expect(await asStranger(() => refusal(load()))).toMatch(
      /^checkpoint folder ".*" cannot be opened: permission is denied\. Give the folder/,
    );
    chmodSync(folder, 0o755);
  });
});

describe('a path that is no checkpoint folder', () => {
  onUnix('is refused in words', async () => {
    const loop = join(folder, 'loop');
    symlinkSync('loop', loop);
    expect(await refusal(folderSource(loop))).toMatch(
      /"cannot be opened: its symbolic links lead in a circle|cannot be opened: its symbolic/,
    );
    expect(await refusal(folderSource(join(policy, CONFIG, 'sub')))).toContain('a part of its path is a file, not a folder');
    expect(await refusal(folderSource(join(folder, 'x'.repeat(300))))).toContain('its name is too long');
    expect(await refusal(openFile(folder))).toContain('expected a regular file, found a folder');
  });

  it('names what the system says, for codes that are not known', () => {
    expect(fileProblem(Object.assign(new Error('EXYZ: odd, open'), { code: 'EXYZ' }))).toBe('EXYZ: odd, open');
    expect(fileProblem(Object.assign(new Error(), { code: 'ENOSPC' }))).toBe('no space is left on the disk');
    expect(fileProblem(Object.assign(new Error(), { code: 'EISDIR' }))).toBe('it is a folder');
    expect(describeFileProblem(Object.assign(new Error(), { code: 'EISDIR', path: '/x' }))).toBe('/x: it is a folder.');
    expect(describeFileProblem(Object.assign(new Error(), { code: 'ENOSPC', syscall: 'write' }))).toBe(
      'write: no space is left on the disk.',
    );
    expect(describeFileProblem(new TypeError('a mistake of ours'))).toBeUndefined();
  });
});

describe('a folder above the checkpoint', () => {
  /** A training run as LeRobot leaves it. */
  function trainingRun(): string {
    const run = join(folder, 'run');
    for (const step of ['002000', '010000']) {
      cpSync(GOLDEN, join(run, 'checkpoints', step, 'pretrained_model'), { recursive: true });
      mkdirSync(join(run, 'checkpoints', step, 'training_state'));
    }
    return run;
  }

  onUnix('is refused with the folder that is meant, the last one of a training run first', async () => {
    const run = trainingRun();
    const last = join(run, 'checkpoints', 'last');
    symlinkSync('010000', last);
    expect(await refusal(load(run))).toBe(
      `run: expected "model.safetensors", found it in the folder "${last}/pretrained_model", "${run}/checkpoints/002000/pretrained_model" ` +
        'below. Give one of these: the folder that holds config.json and model.safetensors itself.',
    );
    expect(await refusal(load(last))).toContain(`found it in the folder "${last}/pretrained_model" below. Give that: the folder`);
    const repository = join(folder, 'repository');
    mkdirSync(join(repository, 'outputs'), { recursive: true });
    renameSync(run, join(repository, 'outputs', 'run'));
    for (const name of ['README.md', 'old.ckpt', 'optimizer.bin']) writeFileSync(join(repository, name), '');
    expect(await refusal(load(repository))).toContain(`"${repository}/outputs/run/checkpoints/last/pretrained_model"`);
    const predictor = async (): Promise<unknown> => loadPredictorCheckpoint(await folderSource(repository));
    expect(await refusal(predictor())).toContain(`"${repository}/outputs/run/checkpoints/last/pretrained_model"`);
  });

  it('is refused without one where there is none, or too far down', async () => {
    const path = join(folder, 'a');
    const far = join(path, 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
    mkdirSync(far, { recursive: true });
    symlinkSync('..', join(path, 'b', 'up'));
    writeFileSync(join(far, MODEL), '');
    expect(await refusal(load(path))).toBe('a: expected "model.safetensors", found nothing. Copy the whole checkpoint folder.');
  });
});

describe('a file that changes while it is read', () => {
  const opened = async (): Promise<CheckpointSource> => {
    const source = await folderSource(policy);
    await loadPolicyCheckpoint(source);
    return source;
  };
  const model = (): string => join(policy, MODEL);

  it('is noticed when it was written to, by its time or its size', async () => {
    const source = await opened();
    await source.assertUnchanged?.();
    const before = new Date(2020, 1, 1);
    utimesSync(model(), before, before);
    expect(await refusal(source.assertUnchanged!())).toBe(
      `"${model()}" was written to while it was read, so what was read may be a mixture of two files. Load it again once it is complete.`,
    );
    await source.close();
    const other = await opened();
    const times = [new Date(), new Date()] as const;
    utimesSync(join(policy, CONFIG), ...times);
    expect(await refusal(other.assertUnchanged!())).toContain(`"${join(policy, CONFIG)}" was written to`);
    await other.close();
  });

  it('is noticed when another file takes its place, or none', async () => {
    const source = await opened();
    cpSync(model(), `${model()}.new`, { preserveTimestamps: true });
    renameSync(`${model()}.new`, model());
    expect(await refusal(source.assertUnchanged!())).toContain(`"${model()}" was replaced or removed while it was read`);
    rmSync(model());
    expect(await refusal(source.assertUnchanged!())).toContain('was replaced or removed');
    await source.close();
  });

  it('is a matter of the checkpoint too', async () => {
    const checkpoint = await loadPolicyCheckpoint(await folderSource(policy));
    await checkpoint.assertUnchanged();
    writeFileSync(model(), '');
    await expect(checkpoint.weights.readFloats('final_conv.1.bias')).rejects.toThrow(
      /ended at byte \d+ while it was read: was it changed\?/,
    );
    await expect(checkpoint.assertUnchanged()).rejects.toThrow('was written to');
    await checkpoint.close();
  });
});

describe('a signal', () => {
  const never = new Promise<never>(() => {});

  it.each(['list', 'open', 'read'] as const)('ends a load whose disk hangs in %s, and closes the source', async (call) => {
    const inner = await folderSource(policy);
    const controller = new AbortController();
    let closed = 0;
    const hang = (): Promise<never> => {
      setTimeout(() => controller.abort(new Error('enough')), 5);
      return never;
    };
    const hanging: CheckpointSource = {
      ...inner,
      list: call === 'list' ? hang : inner.list,
      open: call === 'open' ? hang : async (file) => ({ ...(await inner.open(file)), ...(call === 'read' ? { read: hang } : {}) }),
      // A file handle waits for what is under way.
      close: async () => {
        closed++;
        await inner.close();
        return never;
      },
    };
    const start = performance.now();
    await expect(loadPolicyCheckpoint(hanging, { signal: controller.signal })).rejects.toThrow('enough');
    // At once; what waited for the source would never end.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(closed).toBe(1);
  });

  it('ends reads of weights as well, and leaves none behind', async () => {
    const controller = new AbortController();
    const checkpoint = await loadPolicyCheckpoint(await folderSource(policy), { signal: controller.signal });
    expect((await checkpoint.weights.readFloats('final_conv.1.bias')).length).toBe(checkpoint.unet.actionDim);
    controller.abort(new Error('enough'));
    await expect(checkpoint.weights.readFloats('final_conv.1.bias')).rejects.toThrow('enough');
    await checkpoint.close();
  });

  it('is read again after it was closed: a policy is loaded again from its sources', async () => {
    const source = await folderSource(policy);
    const first = await loadPolicyCheckpoint(source);
    const bias = (await first.weights.readFloats('final_conv.1.bias')).slice();
    await first.close();
    const second = await loadPolicyCheckpoint(source);
    expect(await second.weights.readFloats('final_conv.1.bias')).toEqual(bias);
    await second.close();
  });

  it('closes what was still being opened when the source was closed', async () => {
    const source = await folderSource(policy);
    const opening = source.open(MODEL);
    await source.close();
    await expect((await opening).read(0, new Uint8Array(8))).rejects.toThrow(CheckpointError);
  });
});
