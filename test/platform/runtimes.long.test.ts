import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'test/support/scenario-main.mjs');
const CHECKPOINTS = join(ROOT, 'checkpoints/pusht-state');

interface Played {
  readonly adapter: string;
  readonly deviceClass: string;
  readonly bits: string;
}

const run = promisify(execFile);
const parsed = ({ stdout }: { readonly stdout: string }): Played => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Played;
const inNode = run(process.execPath, [MAIN], { cwd: ROOT }).then(parsed);

const browser = await Browser.launch();
if (!browser) console.log('left out: the scenario in a browser needs @sparticuz/chromium, which has one for Linux x64');
let server: Server | undefined;
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** A bundle as a page's author makes one, of this repository in place of the installed package. */
async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'test/support', entry)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    alias: { warmstep: join(ROOT, 'dist/src/platform/web/index.js'), 'warmstep/worker': join(ROOT, 'dist/src/entries/worker.js') },
  });
  return outputFiles[0]?.text ?? '';
}

/** A page under a strict content security policy, its scripts, and the checkpoint's folders with their lists. */
async function serve(): Promise<string> {
  const scripts = { '/page.js': await bundled('scenario-page.mjs'), '/worker.js': await bundled('scenario-worker.mjs') };
  server = createServer(({ url = '/', headers }, response) => {
    response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'");
    if (url === '/') {
      response.setHeader('content-type', 'text/html').end('<!doctype html><meta charset=utf-8><script type=module src=/page.js></script>');
    } else if (url in scripts) {
      response.setHeader('content-type', 'text/javascript').end(scripts[url as keyof typeof scripts]);
    } else if (url.endsWith('/index.json')) {
      response.end(JSON.stringify(readdirSync(join(CHECKPOINTS, url.split('/').at(-2) ?? ''))));
    } else if (url.startsWith('/checkpoints/')) {
      const content = readFileSync(join(CHECKPOINTS, ...url.split('/').slice(2)));
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (from === undefined) return response.end(content);
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${content.byteLength}`, etag: '"1"' });
      response.end(content.subarray(Number(from), Number(to) + 1));
    } else {
      response.writeHead(404).end();
    }
    return undefined;
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('forty actions of the bundled policy on SwiftShader', () => {
  it('are those of Node', async () => {
    const { adapter, deviceClass, bits } = await inNode;
    expect(adapter).toMatch(/SwiftShader/);
    expect(deviceClass).toBe('software');
    // 40 actions of two f32.
    expect(bits).toHaveLength(40 * 2 * 8);
    expect(new Set(bits.match(/.{16}/g)).size).toBe(40);
  });

  it('have the same bits in Deno, on its own WebGPU', async () => {
    const permissions = ['--allow-read', '--allow-write', '--allow-env', '--allow-ffi', '--allow-sys'];
    const deno = join(ROOT, 'node_modules/.bin/deno');
    const found = parsed(
      await run(deno, ['run', '--no-prompt', ...permissions, MAIN], { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } }),
    );
    expect(found.adapter).toMatch(/SwiftShader/);
    expect(found.deviceClass).toBe('software');
    expect(found.bits).toBe((await inNode).bits);
  });

  it.skipIf(!browser)('have the same bits in a browser, on the page and in a worker, under a strict content security policy', async () => {
    const page = await (browser as Browser).open(await serve(), { width: 800, height: 600 });
    const { page: onPage, worker } = await page.evaluate<{
      page: { adapter: string; bits: string };
      worker: { downloaded: number; wrong: string; bits: string };
    }>('window.results');
    expect(page.problems).toEqual([]);
    expect(onPage.adapter).toBe('google swiftshader');
    const { bits } = await inNode;
    expect(onPage.bits).toBe(bits);
    expect(worker.bits).toBe(bits);
    expect(worker.downloaded).toBeGreaterThan(10_000_000);
    expect(worker.wrong).toBe('ObservationError');
  });
});
