import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { GripperTaskName } from '../../../src/envs/gripper/goal.js';
import { GRIPPER_TASKS } from '../../../src/envs/gripper/goals/index.js';
import { gripperSimulation } from '../../../src/envs/gripper/task.js';
import { renderReport } from '../../../src/evaluation/report/render.js';
import { Browser } from '../../support/browser.js';
import { evaluationRecord } from '../../support/evaluation-record.js';
import { gripperEpisode, usingGripper } from '../../support/gripper-run.js';
import type { PageOptions } from '../../support/page.js';

const WIDE: PageOptions = { width: 1280, height: 900 };
/** Where screenshots go, when somebody wants to look. */
const SCREENSHOTS = process.env['WARMSTEP_SCREENSHOTS'];

const browser = await Browser.launch();
if (!browser) console.log('left out: tests of replays in a browser need @sparticuz/chromium, which has one for Linux x64');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-gripper-'));
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A report of two strategies that both did what the expert does. */
async function report(task: GripperTaskName): Promise<{ readonly url: string; readonly ticks: number }> {
  const episodes = await usingGripper(task, (environment) => [1, 2].map((seed) => gripperEpisode(environment, seed)));
  const { scene, maxTicks } = gripperSimulation('test', task);
  const bare = evaluationRecord({ episodes: 2, replays: 0, latency: false });
  const strategies = bare.strategies.slice(0, 2).map((strategy) => ({ ...strategy, episodes }));
  const file = join(folder, `${task}.html`);
  writeFileSync(file, renderReport({ ...bare, task, maxTicks, seed: 1, episodes: 2, strategies, grids: [] }, scene));
  return { url: pathToFileURL(file).href, ticks: episodes[0]?.ticks as number };
}

describe.skipIf(!browser)('the replay of the floating gripper in a browser', () => {
  it.each(GRIPPER_TASKS)('shows it from two sides and is scrubbed: %s', async (task) => {
    const { url, ticks } = await report(task);
    for (const [dark, tick] of [
      [false, 40],
      [true, ticks - 12],
    ] as const) {
      const page = await (browser as Browser).open(`${url}#replay=ddim:10,1,${tick},ddpm:100`, { ...WIDE, dark });
      for (const view of [0, 1]) {
        const drawn = await page.evaluate<number>(
          `[...document.querySelectorAll('[data-part="first-board"] [data-part^="face-${view}-"]')].filter((face) => face.getAttribute('points')).length`,
        );
        expect(drawn).toBeGreaterThan(20);
      }
      const hand = 'document.querySelector(\'[data-part="way-0"]\').getAttribute("points")';
      const before = await page.evaluate<string>(hand);
      for (let press = 0; press < 3; press++) await page.press('ArrowRight');
      expect(await page.evaluate<string>(hand)).toContain(before);
      expect(await page.evaluate('document.querySelector(\'[data-part="clock"]\').textContent')).toMatch(
        new RegExp(`^step ${tick + 3} of `),
      );
      expect(page.problems).toEqual([]);
      if (SCREENSHOTS !== undefined) {
        await page.evaluate('document.getElementById("viewer").scrollIntoView({ behavior: "instant" })');
        writeFileSync(join(SCREENSHOTS, `${task}-${dark ? 'dark' : 'light'}.png`), await page.screenshot({ whole: false }));
      }
    }
  });
});
