import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/evaluation/report/render.js';
import { Browser } from '../support/browser.js';
import { evaluationRecord } from '../support/evaluation-record.js';
import type { Page, PageOptions } from '../support/page.js';
import { TOY_SCENE } from '../support/toy-task.js';

const WIDE: PageOptions = { width: 1280, height: 900 };
const PHONE: PageOptions = { width: 390, height: 844 };

const browser = await Browser.launch();
if (!browser) console.log('left out: tests of the report in a browser need @sparticuz/chromium, which has one for Linux x64');

const folder = mkdtempSync(join(tmpdir(), 'warmstep-report-'));
const record = evaluationRecord({ grids: true });
const file = join(folder, 'report.html');
writeFileSync(file, renderReport(record));
const url = pathToFileURL(file).href;

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the viewer shows. */
interface Shown {
  readonly clock: string;
  readonly slider: number;
  readonly captions: readonly string[];
  readonly agent: string;
  readonly status: string;
}

function shown(page: Page): Promise<Shown> {
  return page.evaluate(`(() => {
    const part = (name) => document.querySelector('[data-part="' + name + '"]');
    return {
      clock: part('clock').textContent,
      slider: Number(part('slider').value),
      captions: [...document.querySelectorAll('.board:not([hidden]) figcaption')].map((caption) => caption.textContent),
      agent: part('agent').getAttribute('transform'),
      status: part('status').textContent,
    };
  })()`);
}

/** Polls: what a page does on its own takes its own time. */
async function eventually<T>(read: () => Promise<T>, expected: T): Promise<void> {
  await expect.poll(read, { timeout: 5_000 }).toEqual(expected);
}

describe.skipIf(!browser)('the report in a browser', () => {
  const open = (address: string, options: PageOptions = WIDE): Promise<Page> => (browser as Browser).open(address, options);

  it.each([
    ['wide', WIDE],
    ['on a phone', PHONE],
    ['dark', { ...WIDE, dark: true }],
  ])('%s: has no errors, asks for nothing, is not wider than the screen', async (_name, options) => {
    const page = await open(url, options);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.width);
    expect(page.problems).toEqual([]);
    expect(page.requests).toEqual([url]);
  });

  it('notices errors in a page: the test above can fail', async () => {
    const broken = join(folder, 'broken.html');
    writeFileSync(broken, '<img src="missing.png"><script>throw new Error("broken")</script>');
    const page = await open(pathToFileURL(broken).href);
    expect(page.problems.join()).toContain('broken');
    expect(page.requests).toHaveLength(2);
  });

  it('is readable without JavaScript', async () => {
    const page = await open(url, { ...WIDE, isScriptDisabled: true });
    expect(await page.evaluate('document.getElementById("viewer").hidden')).toBe(true);
    expect(await page.evaluate('document.querySelector("#replays noscript").textContent')).toContain('need JavaScript');
    // Buttons between the plots are radio buttons, which need no script.
    const plots = 'JSON.stringify([...document.querySelectorAll(".plot")].map((plot) => getComputedStyle(plot).display))';
    expect(await page.evaluate(plots)).toBe('["block","none","none"]');
    await page.click('label[for=cost-evaluations]');
    expect(await page.evaluate(plots)).toBe('["none","block","none"]');
  });

  it('sorts the table by a click, and turns the order around by another', async () => {
    const page = await open(url);
    const evaluations = (): Promise<number[]> =>
      page.evaluate('[...document.querySelectorAll("#numbers tbody tr")].map((row) => Number(row.cells[3].dataset.value))');
    const inOrder = await evaluations();
    const ascending = [...inOrder].sort((a, b) => a - b);
    expect(inOrder).not.toEqual(ascending);
    await page.click('#numbers thead th:nth-child(4) button');
    expect(await evaluations()).toEqual([...ascending].reverse());
    await page.click('#numbers thead th:nth-child(4) button');
    expect(await evaluations()).toEqual(ascending);
    await page.click('#numbers thead th:nth-child(1) button');
    expect(await evaluations()).toEqual(inOrder);
  });

  it('sorts what was not measured to the end, in both orders', async () => {
    const page = await open(url);
    const isEmpty = 'JSON.stringify([...document.querySelectorAll("#numbers tbody tr")].map((row) => row.cells[9].dataset.value === ""))';
    for (let click = 0; click < 2; click++) {
      await page.click('#numbers thead th:nth-child(10) button');
      const empty = JSON.parse(await page.evaluate<string>(isEmpty)) as boolean[];
      expect(empty.filter((value) => !value)).toHaveLength(4);
      expect(empty.slice(0, 4)).toEqual([false, false, false, false]);
    }
  });

  it('shows and hides curves', async () => {
    const page = await open(url);
    const visible = 'document.querySelectorAll(\'#curves [data-series="1"]:not(.hidden)\').length';
    expect(await page.evaluate(visible)).toBe(2);
    await page.click('[data-toggle="1"]');
    expect(await page.evaluate(visible)).toBe(0);
    expect(await page.evaluate('document.querySelector(\'[data-toggle="1"]\').getAttribute("aria-pressed")')).toBe('false');
    await page.click('[data-toggle="1"]');
    expect(await page.evaluate(visible)).toBe(2);
  });

  it('shows the moment that its address names', async () => {
    const strategy = record.strategies.find(({ name }) => name === 'step:2');
    const [x, y] = strategy?.episodes[1]?.replay?.states.slice(60 * 5, 60 * 5 + 2) ?? [];
    const page = await open(`${url}#replay=step:2,100001,60`);
    expect(await shown(page)).toMatchObject({ slider: 60, captions: ['step:2'], agent: `translate(${x} ${y})` });
    await page.press('ArrowRight');
    expect((await shown(page)).slider).toBe(61);
    const beside = await open(`${url}#replay=step:2/start=eq13,100002,7,dpm-solver++:4`);
    expect(await shown(beside)).toMatchObject({ slider: 7, captions: ['step:2/start=eq13', 'dpm-solver++:4'] });
  });

  it.each(['#replay=nobody,100001,5', '#replay=step:2,1,5', '#replay=%E0%A4%A,100001,5', '#replay=step:2,100001,many', '#elsewhere'])(
    'shows a replay, and no error, for the address %s',
    async (hash) => {
      const page = await open(url + hash);
      expect((await shown(page)).captions.length).toBeGreaterThan(0);
      expect(page.problems).toEqual([]);
    },
  );

  it('follows the link of a cell of the seeds', async () => {
    const page = await open(url);
    await page.click('#seeds tbody tr:nth-child(6) a');
    await eventually(async () => (await shown(page)).captions[0], 'step:2');
    expect(await page.evaluate('location.hash')).toBe('#replay=step:2,100000,0');
  });

  it('is moved by slider, timeline, buttons and keys, and keeps its address up to date', async () => {
    const page = await open(`${url}#replay=ddpm:100,100000,0`);
    const { clock, agent } = await shown(page);
    const length = Number(clock.split(' ').at(-1));
    await page.click('[data-part=slider]', 0.5);
    const moved = await shown(page);
    expect(Math.abs(moved.slider - length / 2)).toBeLessThan(3);
    expect(moved.agent).not.toBe(agent);
    expect(moved.clock).toBe(`step ${moved.slider} of ${length}`);
    await page.click('[data-part=timeline]', 0.25);
    expect(Math.abs((await shown(page)).slider - length / 4)).toBeLessThan(2);
    const at = (await shown(page)).slider;
    await page.click('[data-part=forward]');
    await page.press('ArrowRight');
    await page.press('ArrowRight');
    await page.press('ArrowLeft');
    expect((await shown(page)).slider).toBe(at + 2);
    // Decisions of the made-up record are eight ticks apart.
    await page.press('ArrowRight', { shift: true });
    expect((await shown(page)).slider % 8).toBe(0);
    await page.press('End');
    expect(await shown(page)).toMatchObject({ slider: length, status: expect.stringContaining(`${length} steps`) });
    await eventually(() => page.evaluate('location.hash'), `#replay=ddpm:100,100000,${length}`);
    await page.press('Home');
    expect((await shown(page)).slider).toBe(0);
    expect(page.problems).toEqual([]);
  });

  it('plays to the end by itself, and stops there', async () => {
    const page = await open(`${url}#replay=ddim:10,100000,0`);
    const length = Number((await shown(page)).clock.split(' ').at(-1));
    await page.evaluate(
      `(() => { const slider = document.querySelector('[data-part=slider]'); slider.value = ${length - 6}; slider.dispatchEvent(new Event('input')); })()`,
    );
    await page.click('[data-part=play]');
    expect(await page.evaluate('document.querySelector("[data-part=play]").textContent')).toBe('Pause');
    await eventually(async () => (await shown(page)).slider, length);
    await eventually(() => page.evaluate('document.querySelector("[data-part=play]").textContent'), 'Play');
  });

  it('changes strategy and seed by its lists, and keeps the tick', async () => {
    const page = await open(`${url}#replay=ddpm:100,100000,33`);
    const choose = (part: string, value: string): Promise<unknown> =>
      page.evaluate(
        `(() => { const list = document.querySelector('[data-part=${part}]'); list.value = '${value}'; list.dispatchEvent(new Event('change')); })()`,
      );
    await choose('second', 'step:4');
    expect(await shown(page)).toMatchObject({ captions: ['ddpm:100', 'step:4'], slider: 33 });
    await choose('seed', '100002');
    expect(await shown(page)).toMatchObject({ captions: ['ddpm:100', 'step:4'], slider: 33 });
    await choose('first', 'step:4');
    expect((await shown(page)).captions).toEqual(['step:4']);
    await eventually(() => page.evaluate('location.hash'), '#replay=step:4,100002,33');
  });

  it('shows the board of another task, as its scene says', async () => {
    const other = join(folder, 'other.html');
    const bare = evaluationRecord({ episodes: 2, replays: 2 });
    const strategies = bare.strategies.map((strategy) => ({
      ...strategy,
      episodes: strategy.episodes.map(({ replay, ...episode }) => ({
        ...episode,
        replay: { ...replay!, states: Array.from({ length: 3 * (episode.ticks + 1) }, (_, i) => i), targets: [] },
      })),
    }));
    writeFileSync(other, renderReport({ ...bare, task: 'lamp', strategies }, TOY_SCENE));
    const page = await open(`${pathToFileURL(other).href}#replay=step:2,100001,5`);
    const places = 'JSON.stringify([...document.querySelectorAll("[data-part=lamp]")].map((lamp) => lamp.getAttribute("transform")))';
    expect(await page.evaluate(places)).toBe('["translate(15 16)",null]');
    await page.press('ArrowRight');
    expect(await page.evaluate(places)).toBe('["translate(18 19)",null]');
    expect(page.problems).toEqual([]);
  });

  it('without replays and latencies works too', async () => {
    const bare = join(folder, 'bare.html');
    writeFileSync(bare, renderReport(evaluationRecord({ replays: 0, latency: false, episodes: 1 })));
    const page = await open(pathToFileURL(bare).href);
    expect(await page.evaluate('getComputedStyle(document.querySelector("[data-cost=evaluations]")).display')).toBe('block');
    expect(page.problems).toEqual([]);
  });
});
