import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { CheckpointError, DownloadError, OptionError } from '../../src/foundation/errors.js';
import { parseHubReference } from '../../src/remote/hub/reference.js';
import { hubUrlSource } from '../../src/remote/hub/source.js';
import { urlSource } from '../../src/remote/url-source.js';
import { goldenFiles } from '../support/folders.js';
import { HubServer } from '../support/hub-server.js';

const BYTES = Uint8Array.from({ length: 9_000_000 }, (_, i) => (i * 31) & 255);

/** A web server with one folder; how it answers is what a test changes. */
let server: Server;
let base: string;
let ranges: (string | undefined)[];
let hasRanges: boolean;
let etag: string;
let cut: number | undefined;
beforeEach(async () => {
  ranges = [];
  hasRanges = true;
  etag = '"1"';
  cut = undefined;
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/policy`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  const content =
    url === '/policy/index.json' ? Buffer.from('["model.safetensors", "empty"]') : url === '/policy/model.safetensors' ? BYTES : undefined;
  if (url === '/policy/empty') {
    response.writeHead(416).end();
    return;
  }
  if (!content) {
    response.writeHead(404).end();
    return;
  }
  if (content === BYTES) ranges.push(headers.range);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const isPart = hasRanges && from !== undefined;
  const part = isPart ? content.subarray(Number(from), Number(to) + 1) : content;
  response.writeHead(isPart ? 206 : 200, {
    etag,
    'content-length': part.byteLength,
    ...(isPart ? { 'content-range': `bytes ${from}-${to}/${content.byteLength}` } : {}),
  });
  if (cut === undefined || part.byteLength < cut) response.end(part);
  else response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
}

async function part(source: ReturnType<typeof urlSource>, offset: number, bytes: number): Promise<Uint8Array> {
  const into = new Uint8Array(bytes);
  await (await source.open('model.safetensors')).read(offset, into);
  return into;
}

describe('a folder on a web server', () => {
  it('is listed by its index, and read in blocks, each once', async () => {
    const source = urlSource(base);
    expect(await source.list()).toEqual(['model.safetensors', 'empty']);
    const file = await source.open('model.safetensors');
    expect(file.size).toBe(BYTES.byteLength);
    for (const offset of [0, 100, 4_194_300, 8, 5_000_000]) {
      const into = new Uint8Array(50);
      await file.read(offset, into);
      expect(into).toEqual(BYTES.slice(offset, offset + 50));
    }
    expect(ranges).toEqual(['bytes=0-0', 'bytes=0-4194303', 'bytes=4194304-8388607']);
    expect((await source.open('empty')).size).toBe(0);
  });

  it('is fetched whole, once, where the server knows no ranges', async () => {
    hasRanges = false;
    const progress: number[] = [];
    const source = urlSource(base, { onProgress: (done, total) => progress.push(done / total) });
    const file = await source.open('model.safetensors');
    const into = new Uint8Array(1000);
    for (const offset of [0, 8_999_000]) {
      await file.read(offset, into);
      expect(into).toEqual(BYTES.slice(offset, offset + 1000));
    }
    expect(ranges).toHaveLength(1);
    expect(progress.at(-1)).toBe(1);
  });

  it('refuses to mix two states of a file', async () => {
    const source = urlSource(base);
    const file = await source.open('model.safetensors');
    await file.read(0, new Uint8Array(10));
    etag = '"2"';
    await expect(file.read(5_000_000, new Uint8Array(10))).rejects.toThrow(/changed while it was read.*Load it again/);
    await expect(source.assertUnchanged?.()).rejects.toThrow(CheckpointError);
  });

  it('never ends in zeros: a connection that breaks is an error', async () => {
    cut = 1000;
    await expect(part(urlSource(base), 0, 5000)).rejects.toThrow(DownloadError);
    hasRanges = false;
    await expect(part(urlSource(base), 0, 5000)).rejects.toThrow(DownloadError);
  });

  it('stops with the reason of its signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const source = urlSource(base, { signal: controller.signal });
    await source.list();
    controller.abort(reason);
    await expect(part(source, 0, 10)).rejects.toBe(reason);
  });

  it('says what is missing', async () => {
    await expect(urlSource(base).open('config.json')).rejects.toThrow(/expected a file "config.json", found "model.safetensors", "empty"/);
    await expect(urlSource(base, { files: ['gone'] }).open('gone')).rejects.toThrow(/expected the file, found status 404/);
    await expect(urlSource(`${base}/nowhere`).list()).rejects.toThrow(/index.json: expected a JSON list of the names.*files: \[/);
  });

  it.each([['policy'], ['file:///etc'], ['ftp://host/x'], ['https://host/x?y'], [7], [null]])('refuses %s as an address', (address) => {
    expect(() => urlSource(address as string)).toThrow(OptionError);
  });

  it('refuses names that climb', () => {
    expect(() => urlSource(base, { files: ['../../etc/passwd'] })).toThrow(/files must be plain file names/);
  });
});

describe('the Hub where there is no disk', () => {
  it('gives a checkpoint, of which headers alone are fetched', async () => {
    const hub = await HubServer.start(goldenFiles('state-ddim2/policy') as Record<string, Uint8Array>);
    try {
      const source = await hubUrlSource(parseHubReference('hf:someone/policy'), { endpoint: hub.endpoint, token: undefined });
      expect(source.name).toBe('hf:someone/policy');
      const checkpoint = await loadPolicyCheckpoint(source);
      expect(checkpoint.name).toBe('hf:someone/policy');
      await checkpoint.close();
    } finally {
      await hub.stop();
    }
  });
});
