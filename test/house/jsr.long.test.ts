import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { buildJsr } from '../../tools/jsr/build.js';
import type { JsrManifest } from '../../tools/jsr/manifest.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DENO = join(ROOT, 'node_modules/.bin/deno');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-jsr-'));
const cache = mkdtempSync(join(tmpdir(), 'warmstep-deno-'));
const written = buildJsr(folder);
const manifest = JSON.parse(readFileSync(join(folder, 'jsr.json'), 'utf8')) as JsrManifest;
// Packages from here, so that no registry is asked: what is published finds them by its imports.
writeFileSync(join(folder, 'jsr.json'), JSON.stringify({ ...manifest, nodeModulesDir: 'manual', publish: { exclude: ['node_modules'] } }));
symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));

afterAll(() => {
  for (const one of [folder, cache]) rmSync(one, { recursive: true });
});

async function deno(...args: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly said: string }> {
  // An address that nobody answers.
  const env = { ...process.env, NO_COLOR: '1', DENO_DIR: cache, NPM_CONFIG_REGISTRY: 'http://127.0.0.1:9/' };
  const ended = promisify(execFile)(DENO, args, { cwd: folder, env, maxBuffer: 2 ** 24 });
  const {
    code = 0,
    stdout,
    stderr,
  } = (await ended.catch((error: { code: number; stdout: string; stderr: string }) => error)) as {
    code?: number;
    stdout: string;
    stderr: string;
  };
  return { code, stdout, said: `${stdout}${stderr}` };
}

const DRY_RUN = ['publish', '--dry-run', '--allow-dirty', '--token', 'none'];

describe.skipIf(!existsSync(DENO))('the copy for JSR', () => {
  it('would be published: types checked by Deno, none of them slow, and every file of it', async () => {
    const { code, said } = await deno(...DRY_RUN);
    expect([code, /Success Dry run complete/.test(said)], said.slice(-3000)).toEqual([0, true]);
    expect(said).not.toMatch(/TS\d+ \[ERROR\]|warning\[/);
    const files = [...said.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url);
    const expected = [...written, 'CHANGELOG.md', 'LICENSE', 'README.md', 'jsr.json'].map((path) => pathToFileURL(join(folder, path)).href);
    expect(files.sort()).toEqual(expected.sort());
  });

  it('exports in Deno the names of the package', async () => {
    const script = join(folder, 'names.ts');
    const list = Object.entries(manifest.exports).map(
      ([entry, path]) => `[${JSON.stringify(entry)}, Object.keys(await import(${JSON.stringify(path)})).sort()]`,
    );
    writeFileSync(script, `console.log(JSON.stringify([${list.join(', ')}]));`);
    const { stdout, said } = await deno('run', '--no-check', '--no-prompt', '--allow-read', '--config', 'jsr.json', script);
    rmSync(script);
    const ours = Object.entries(manifest.exports).map(async ([entry, path]) => {
      const built = pathToFileURL(join(ROOT, 'dist', path.replace(/\.ts$/, '.js'))).href;
      return [entry, Object.keys((await import(built)) as object).sort()];
    });
    expect(stdout, said.slice(-3000)).not.toBe('');
    expect(JSON.parse(stdout)).toEqual(await Promise.all(ours));
  });
});
