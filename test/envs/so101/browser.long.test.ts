import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { servePage } from '../../../examples/page/build.js';
import { So101 } from '../../../src/envs/so101/so101.js';
import { Browser } from '../../support/browser.js';
import { mujoco } from '../../support/mujoco.js';
import { trace } from '../../support/so101-run.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TICKS = 60;

const browser = await Browser.launch();
if (!browser) console.log('left out: the SO-101 in a browser needs @sparticuz/chromium, which has one for Linux x64');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-so101-page-'));
const server = await servePage(folder, 0);
afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!browser)('the SO-101 in a browser', () => {
  it('runs in MuJoCo there: the episode that it has in Node, but for the last bits of sines and powers', async () => {
    const program = `
      import { expertActions, openSo101 } from './src/entries/so101.ts';
      globalThis.episode = async () => {
        const environment = await openSo101('so101-stack-cube', () => import('@mujoco/mujoco'));
        environment.reset(3);
        const texts = [];
        for (const { action } of expertActions(environment, { seed: 3 })) {
          environment.step(action);
          texts.push(environment.body.simulation.views.qpos.join());
          if (texts.length === ${TICKS}) break;
        }
        environment.close();
        return texts.join('\\n');
      };`;
    await build({
      stdin: { contents: program, resolveDir: ROOT },
      bundle: true,
      format: 'esm',
      // Node's half of the package's loader is never reached.
      external: ['module'],
      outfile: join(folder, 'program.js'),
      logLevel: 'silent',
    });
    copyFileSync(createRequire(import.meta.url).resolve('@mujoco/mujoco/mujoco.wasm'), join(folder, 'mujoco.wasm'));
    writeFileSync(
      join(folder, 'index.html'),
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="program.js"></script>',
    );
    const page = await (browser as Browser).open(server.url, { width: 400, height: 300 });
    const there = await page.evaluate<string>('globalThis.episode()');
    expect(page.problems).toEqual([]);
    const environment = new So101(await mujoco(), 'so101-stack-cube');
    const here = trace(environment, 3, TICKS);
    environment.close();
    expect(await page.evaluate<string>('globalThis.episode()')).toBe(there);
    const numbers = (text: string): number[] => text.split(/[,\n]/).map(Number);
    const expected = numbers(here);
    expect(expected).toHaveLength(TICKS * 20);
    const found = numbers(there);
    // Radians, metres, parts of quaternions; where the engines' last bits differ, no contact has made more of it by then.
    found.forEach((value, i) => void expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-6));
  });
});
