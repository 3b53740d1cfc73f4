import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scanCacheDir } from '@huggingface/hub';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DownloadError } from '../../src/foundation/errors.js';
import { type HubFolderOptions, hubFolder } from '../../src/platform/node/hub/hub-folder.js';
import { OutputError } from '../../src/platform/node/output-file.js';
import { parseHubReference } from '../../src/remote/hub/reference.js';
import { HubServer } from '../support/hub-server.js';

const WEIGHTS = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 37) & 255);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const FILES = {
  'config.json': text('{"type": "diffusion"}'),
  'policy_preprocessor.json': text('{}'),
  'policy_preprocessor_step_3_normalizer_processor.safetensors': text('statistics'),
  'model.safetensors': WEIGHTS,
  'README.md': text('# not needed'),
  'optimizer.bin': text('not needed'),
  'checkpoints/last/config.json': text('{"type": "diffusion", "last": true}'),
  'checkpoints/last/model.safetensors': WEIGHTS.slice(1),
};
const NAMES = [
  'config.json',
  'model.safetensors',
  'policy_preprocessor.json',
  'policy_preprocessor_step_3_normalizer_processor.safetensors',
];
const POLICY = parseHubReference('hf:someone/policy');

let server: HubServer;
let cache: string;
beforeEach(async () => {
  server = await HubServer.start(FILES);
  cache = await mkdtemp(join(tmpdir(), 'warmstep-hub-'));
});
afterEach(async () => {
  await server.stop();
  await rm(cache, { recursive: true });
});

function load(options: Partial<HubFolderOptions> & { token?: string; isOffline?: boolean } = {}, reference = POLICY): Promise<string> {
  const { token, isOffline = false, ...rest } = options;
  return hubFolder(reference, { settings: { endpoint: server.endpoint, token, cache, isOffline }, ...rest });
}

describe('a checkpoint on the Hub', () => {
  it('is loaded into the cache: what a checkpoint is read from, with its bytes, and nothing else', async () => {
    const progress: [number, number][] = [];
    const folder = await load({ onProgress: (done, total) => progress.push([done, total]) });
    expect((await readdir(folder)).sort()).toEqual(NAMES);
    expect(new Uint8Array(await readFile(join(folder, 'model.safetensors')))).toEqual(WEIGHTS);
    const total = NAMES.reduce((sum, name) => sum + FILES[name as keyof typeof FILES].byteLength, 0);
    expect(progress.at(-1)).toEqual([total, total]);
    expect(progress.every(([done], i) => done > (progress[i - 1]?.[0] ?? 0))).toBe(true);
  });

  it('says where to put the cache instead, where its folder cannot be made: behind a link to a disk that is not mounted, or below a file', async () => {
    const away = join(cache, 'disk');
    await symlink(join(cache, 'not', 'mounted'), away);
    const file = join(cache, 'file');
    await writeFile(file, '');
    for (const [place, problem] of [
      [away, `${away} is a link to ${join(cache, 'not', 'mounted')}, where no folder is`],
      [join(file, 'below'), 'a part of its path is a file, not a folder'],
    ] as const) {
      const loaded = load({ settings: { endpoint: server.endpoint, token: undefined, cache: place, isOffline: false } });
      await expect(loaded).rejects.toThrow(OutputError);
      await expect(loaded).rejects.toThrow(`${place} cannot be written: ${problem}. Free space, or set HF_HUB_CACHE to another folder.`);
    }
  });

  it('asks for nothing but the revision when it is there', async () => {
    const first = await load();
    server.seen.length = 0;
    expect(await load()).toBe(first);
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /api/models/someone/policy/revision/main']);
  });

  it('has the layout of huggingface_hub: its own library finds it, and what that loaded is used as it is', async () => {
    const folder = await load();
    expect(await readlink(join(folder, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(await readFile(join(cache, 'models--someone--policy/refs/main'), 'utf8')).toBe(server.commit);
    const found = await scanCacheDir(cache);
    expect(found.repos.map(({ id }) => id)).toEqual([{ name: 'someone/policy', type: 'model' }]);
    expect(found.repos[0]?.revisions[0]?.files.map(({ path }) => path.split('/').at(-1)).sort()).toEqual(NAMES);
    expect(found.warnings).toEqual([]);
  });

  it('goes on with the cache of another client', async () => {
    // The layout as huggingface_hub writes it, with the weights there already.
    const theirs = join(cache, 'models--someone--policy');
    await mkdir(join(theirs, 'snapshots', server.commit), { recursive: true });
    await writeFile(join(theirs, 'snapshots', server.commit, 'model.safetensors'), WEIGHTS);
    await load();
    expect(server.requests('GET', 'model.safetensors')).toEqual([]);
  });

  it('takes a folder of a repository, a revision, and a repository that was renamed', async () => {
    const last = await load({}, parseHubReference('hf:someone/policy@v1/checkpoints/last'));
    expect((await readdir(last)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await readFile(join(cache, 'models--someone--policy/refs/v1'), 'utf8')).toBe(server.commit);
    await load({}, parseHubReference('hf:someone/old-name')).catch(() => {});
    expect(server.requests('GET', 'someone/old-name')).toHaveLength(1);
  });

  it('sends the token to the Hub alone', async () => {
    server.token = 'hf_secret';
    await load({ token: 'hf_secret' });
    const tokens = (host: string): Set<string | undefined> =>
      new Set(server.seen.filter((seen) => seen.host === host).map((seen) => seen.authorization));
    expect(tokens('hub')).toEqual(new Set(['Bearer hf_secret']));
    expect(tokens('storage')).toEqual(new Set([undefined]));
  });

  it('goes on where a connection broke', async () => {
    server.cuts.push(100_000, 50_000);
    const folder = await load();
    expect(new Uint8Array(await readFile(join(folder, 'model.safetensors')))).toEqual(WEIGHTS);
    const ranges = server.seen
      .filter(({ host, url }) => host === 'storage' && url.endsWith('/model.safetensors'))
      .map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
  });

  it('takes over what a process that is gone left behind, and leaves alone what a living one writes', async () => {
    const blobs = join(cache, 'models--someone--policy/blobs');
    const etag = createHash('sha256').update(WEIGHTS).digest('hex');
    await mkdir(blobs, { recursive: true });
    await writeFile(join(blobs, `${etag}.incomplete.${process.ppid}`), WEIGHTS.slice(0, 10));
    await writeFile(join(blobs, `${etag}.incomplete.4194301`), WEIGHTS.slice(0, 200_000));
    await load();
    expect(server.seen.find(({ host, url }) => host === 'storage' && url.endsWith('/model.safetensors'))?.range).toBe('bytes=200000-');
    expect((await stat(join(blobs, `${etag}.incomplete.${process.ppid}`))).size).toBe(10);
  });

  it('waits for a busy server', async () => {
    server.busy = 2;
    await expect(load()).resolves.toContain(server.commit);
  });

  it('throws away what does not have its hash', async () => {
    server.corrupt = true;
    await expect(load()).rejects.toThrow(/expected the hash [0-9a-f]{64}, found [0-9a-f]{64}.*thrown away/);
    const blobs = await readdir(join(cache, 'models--someone--policy/blobs'));
    expect(blobs.filter((name) => name.includes('incomplete'))).toEqual([]);
    server.corrupt = false;
    await expect(load()).resolves.toContain(server.commit);
  });

  it('works offline from the cache, and says what is missing there', async () => {
    await expect(load({ isOffline: true })).rejects.toThrow(
      /hf:someone\/policy is not in the cache, and cannot be fetched: HF_HUB_OFFLINE is set/,
    );
    const folder = await load();
    server.seen.length = 0;
    expect(await load({ isOffline: true })).toBe(folder);
    expect(server.seen).toEqual([]);
    // Half a download is none.
    await rm(join(folder, 'model.safetensors'));
    await expect(load({ isOffline: true })).rejects.toThrow(DownloadError);
  });

  it('uses an earlier state with a warning where the network is down', async () => {
    const folder = await load();
    await server.stop();
    const warnings: string[] = [];
    expect(await load({ onWarning: (warning) => warnings.push(warning) })).toBe(folder);
    expect(warnings[0]).toMatch(/the Hub cannot be reached, so the state of an earlier download is used/);
    await rm(cache, { recursive: true });
    await expect(load()).rejects.toThrow(/cannot be fetched: .*ECONNREFUSED/);
    await mkdir(cache);
  }, 30_000);

  it.each([
    ['hf:someone/else', /hf:someone\/else was not found \(404\): it is misspelt, private or gone. Set HF_TOKEN/],
    ['hf:someone/policy@v9', /there is no revision "v9"/],
    [
      'hf:someone/policy/checkpoints',
      /expected config.json in this folder, found config.json in checkpoints\/last. Write hf:someone\/policy\/checkpoints\/last/,
    ],
  ])('explains %s', async (reference, message) => {
    await expect(load({}, parseHubReference(reference))).rejects.toThrow(message);
  });

  it('explains what is gated, and a token without access', async () => {
    server.gated = true;
    await expect(load()).rejects.toThrow(/gated: its authors want their terms accepted.*Set HF_TOKEN/);
    server.gated = false;
    server.token = 'another';
    await expect(load({ token: 'mine' })).rejects.toThrow(/\(401\).*The token that was given .* has no access/);
  });

  it('stops with the reason of the signal, and keeps what arrived', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const loading = load({
      signal: controller.signal,
      onProgress: (done) => {
        if (done > 1000) controller.abort(reason);
      },
    });
    await expect(loading).rejects.toBe(reason);
    await expect(load()).resolves.toContain(server.commit);
  });
});
