import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'test/support/training-scenario-main.mjs');

interface Trained {
  readonly ended: string;
  readonly losses: readonly number[];
  readonly state: string;
  readonly model: string;
}
interface Played {
  readonly adapter: string;
  readonly results: { readonly policy: Trained; readonly predictor: Trained };
}

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'warmstep-training-'));
const play = async (program: string, ...given: string[]): Promise<Played> => {
  const { stdout } = await run(program, given, { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Played;
};
const inNode = play(process.execPath, MAIN, join(folder, 'node'));
// Whoever waits for it hears of it.
inNode.catch(() => {});

const browser = await Browser.launch();
if (!browser) console.log('left out: training in a browser needs @sparticuz/chromium, which has one for Linux x64');
let server: Server | undefined;
afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true });
});

/** A page with the scenario in one script, as a page's author bundles it, of this repository in place of the installed package. */
async function serve(): Promise<string> {
  const entry = (name: string): string => join(ROOT, 'dist/src', name);
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'test/support/training-scenario-page.mjs')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    alias: {
      'warmstep/training': entry('entries/training.js'),
      'warmstep/datasets': entry('entries/datasets.js'),
      warmstep: entry('platform/web/index.js'),
    },
  });
  server = createServer(({ url }, response) => {
    response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'");
    if (url === '/page.js') return response.setHeader('content-type', 'text/javascript').end(outputFiles[0]?.text);
    return response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><meta charset=utf-8><script type=module src=/page.js></script>');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('a policy and its predictor, six steps each on SwiftShader, ended by a signal and gone on with', () => {
  it('learn in Node', async () => {
    const { adapter, results } = await inNode;
    expect(adapter).toMatch(/SwiftShader/);
    for (const { ended, losses, state, model } of Object.values(results)) {
      expect(ended).toBe('enough');
      expect(losses).toHaveLength(6);
      expect(new Set(losses).size).toBe(6);
      expect(losses.every((loss) => loss > 0.01 && loss < 10)).toBe(true);
      expect([state, model].every((digest) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
    }
  });

  it('have the same losses, states and weights in Deno, on its own WebGPU', async () => {
    const permissions = ['--allow-read', '--allow-write', '--allow-env', '--allow-ffi', '--allow-sys'];
    const deno = join(ROOT, 'node_modules/.bin/deno');
    const found = await play(deno, 'run', '--no-prompt', ...permissions, MAIN, join(folder, 'deno'));
    expect(found.adapter).toMatch(/SwiftShader/);
    expect(found.results).toEqual((await inNode).results);
  });

  it.skipIf(!browser)('have the same losses, states and weights on a page, under a strict content security policy', async () => {
    const page = await (browser as Browser).open(await serve(), { width: 800, height: 600 });
    const found = await page.evaluate<Played | undefined>('window.results');
    expect(page.problems).toEqual([]);
    const { adapter, results } = found as Played;
    expect(adapter).toBe('google swiftshader');
    expect(results).toEqual((await inNode).results);
  });
});
