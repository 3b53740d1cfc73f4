import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { SO101_TASKS } from '../../../src/envs/so101/goals.js';
import { so101Scene } from '../../../src/envs/so101/scene.js';
import { So101 } from '../../../src/envs/so101/so101.js';
import { renderReport } from '../../../src/evaluation/report/render.js';
import { Browser } from '../../support/browser.js';
import { evaluationRecord } from '../../support/evaluation-record.js';
import { mujoco } from '../../support/mujoco.js';
import type { PageOptions } from '../../support/page.js';
import { expertEpisode } from '../../support/so101-run.js';

const WIDE: PageOptions = { width: 1280, height: 900 };
/** Where screenshots go, when somebody wants to look. */
const SCREENSHOTS = process.env['WARMSTEP_SCREENSHOTS'];

const browser = await Browser.launch();
if (!browser) console.log('left out: tests of replays in a browser need @sparticuz/chromium, which has one for Linux x64');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-so101-'));
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A report of two strategies that both did what the expert does. */
async function report(task: (typeof SO101_TASKS)[number]): Promise<string> {
  const environment = new So101(await mujoco(), task);
  const episodes = [1, 2].map((seed) => expertEpisode(environment, seed));
  environment.close();
  const bare = evaluationRecord({ episodes: 2, replays: 0, latency: false });
  const strategies = bare.strategies.slice(0, 2).map((strategy) => ({ ...strategy, episodes }));
  const file = join(folder, `${task}.html`);
  writeFileSync(file, renderReport({ ...bare, task, maxTicks: 600, seed: 1, episodes: 2, strategies, grids: [] }, so101Scene(task)));
  return pathToFileURL(file).href;
}

describe.skipIf(!browser)('the replay of an SO-101 in a browser', () => {
  it.each(SO101_TASKS)('shows the arm from two sides, is scrubbed, loads in less than two seconds: %s', async (task) => {
    const url = await report(task);
    for (const dark of [false, true]) {
      const began = performance.now();
      const page = await (browser as Browser).open(`${url}#replay=ddim:10,1,140,ddpm:100`, { ...WIDE, dark });
      expect(performance.now() - began).toBeLessThan(2000);
      const faces = (view: number): Promise<number> =>
        page.evaluate(
          `[...document.querySelectorAll('[data-part="first-board"] [data-part^="face-${view}-"]')].filter((face) => face.getAttribute('points')).length`,
        );
      expect(await faces(0)).toBeGreaterThan(60);
      expect(await faces(1)).toBeGreaterThan(60);
      const arm = 'document.querySelector(\'[data-part="face-0-30"]\').getAttribute("points")';
      const before = await page.evaluate(arm);
      for (let press = 0; press < 3; press++) await page.press('ArrowRight');
      expect(await page.evaluate(arm)).not.toBe(before);
      expect(await page.evaluate('document.querySelector(\'[data-part="clock"]\').textContent')).toMatch(/^step 143 of /);
      // A tick is a thirtieth of a second.
      const perTick = await page.evaluate<number>(`(() => {
        const slider = document.querySelector('[data-part=slider]');
        const began = performance.now();
        for (let tick = 0; tick < 20; tick++) { slider.value = 100 + tick; slider.dispatchEvent(new Event('input')); }
        return (performance.now() - began) / 20;
      })()`);
      console.log(`${task}, ${dark ? 'dark' : 'light'}: ${perTick.toFixed(1)} ms for a tick of two boards`);
      expect(page.problems).toEqual([]);
      if (SCREENSHOTS !== undefined) {
        await page.evaluate('document.getElementById("viewer").scrollIntoView()');
        writeFileSync(join(SCREENSHOTS, `${task}-${dark ? 'dark' : 'light'}.png`), await page.screenshot({ whole: false }));
      }
    }
  });
});
