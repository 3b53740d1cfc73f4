import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPage, servePage } from '../../examples/page/build.js';
import { Browser } from '../support/browser.js';
import type { Page, PageOptions } from '../support/page.js';

const WIDE: PageOptions = { width: 1240, height: 900 };
const PHONE: PageOptions = { width: 390, height: 844 };
/** Where screenshots for the documents go, when they are made anew. */
const SCREENSHOTS = process.env['WARMSTEP_SCREENSHOTS'];

const browser = await Browser.launch();
if (!browser) console.log('left out: tests of the page need @sparticuz/chromium, which has one for Linux x64');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-page-'));
if (browser) await buildPage(folder);
const server = await servePage(folder, 0);

afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

const text = (page: Page, part: string): Promise<string> => page.evaluate(`document.querySelector('[data-part="${part}"]').textContent`);
const isHidden = (page: Page, part: string): Promise<boolean> => page.evaluate(`document.querySelector('[data-part="${part}"]').hidden`);
const tick = async (page: Page): Promise<number> => Number(/tick (\d+)/.exec(await text(page, 'status'))?.[1] ?? 0);
const choose = (page: Page, part: string, value: string): Promise<void> =>
  page.evaluate(`(() => {
    const select = document.querySelector('[data-part="${part}"]');
    select.value = ${JSON.stringify(value)};
    select.dispatchEvent(new Event('change'));
  })()`);

async function until(read: () => Promise<boolean>): Promise<void> {
  await expect.poll(read, { timeout: 90_000, interval: 200 }).toBe(true);
}

async function keep(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await writeFile(join(SCREENSHOTS, `page-${name}.png`), await page.screenshot());
}

describe.skipIf(!browser)('the page', () => {
  const open = (options: PageOptions, hash = ''): Promise<Page> => (browser as Browser).open(`${server.url}${hash}`, options);

  it('plays an episode, can be paused and scrubbed by keys, and shows how a decision came about', async () => {
    const page = await open(WIDE);
    await keep(page, 'loading');
    await until(async () => (await tick(page)) >= 20);
    expect(await isHidden(page, 'loading')).toBe(true);
    expect(await text(page, 'adapter')).toMatch(/swiftshader, a software adapter/);
    // Prediction, noisy start, after the first evaluation, the plan.
    await until(async () => (await page.evaluate<number>('document.querySelectorAll("[data-part=strip] figure").length')) === 4);
    expect(await text(page, 'histogram')).toMatch(/20 ms.*p50 [\d.]+ ms · p99 [\d.]+ ms · \d+ decisions?/);
    await page.press(' ');
    await until(async () => (await text(page, 'play')) === 'Play');
    const paused = await tick(page);
    await keep(page, 'wide');
    await page.press('ArrowLeft');
    expect(await tick(page)).toBe(paused - 1);
    await page.press(' ');
    await until(async () => (await tick(page)) > paused);
    expect(page.problems).toEqual([]);
  });

  it('says whether the device computes, as doctor does', async () => {
    const page = await open(WIDE);
    await until(async () =>
      /yes: conv1d on this device against float64 on the host: largest error \d\.\de-\d+, 1e-5 is allowed$/.test(await text(page, 'check')),
    );
    expect(await isHidden(page, 'notice')).toBe(true);
    expect(page.problems).toEqual([]);
  });

  it.each([
    [
      'computes something else',
      'postMessage({ found: { kernel: "conv1d", largestError: 0.25, tolerance: 1e-5, ok: false } })',
      /^NO: conv1d .* 2\.5e-1, where 1e-5 is allowed\. Actions cannot be trusted/,
    ],
    ['cannot be checked', 'throw new Error("a broken driver")', /^The check of this device could not run: .*a broken driver/],
  ])('says so to everybody where it %s', async (_, script, notice) => {
    const other = mkdtempSync(join(tmpdir(), 'warmstep-page-'));
    cpSync(folder, other, { recursive: true });
    await writeFile(join(other, 'check-worker.js'), script);
    const own = await servePage(other, 0);
    try {
      const page = await (browser as Browser).open(own.url, WIDE);
      await until(async () => notice.test(await text(page, 'notice')));
      expect(await isHidden(page, 'notice')).toBe(false);
      expect(await text(page, 'check')).toContain(await text(page, 'notice'));
    } finally {
      own.close();
      rmSync(other, { recursive: true });
    }
  });

  it('takes another strategy, and another seed', async () => {
    const page = await open(WIDE, '#seed=5&strategy=step:2');
    await until(async () => (await tick(page)) >= 1);
    expect(await page.evaluate('document.querySelector("[data-part=seed]").value')).toBe('5');
    await choose(page, 'strategy', 'ddim:2');
    await until(async () => /^DDIM 2/.test(await page.evaluate('[...document.querySelectorAll("dd")][1].textContent')));
    await until(async () => (await page.evaluate<number>('document.querySelectorAll("[data-part=strip] figure").length')) === 3);
    await page.press('n');
    await until(async () => (await page.evaluate('document.querySelector("[data-part=seed]").value')) === '6');
    await page.click('[data-part=share]');
    await until(async () => (await page.evaluate<string>('location.hash')) === '#seed=6&strategy=ddim%3A2');
    expect(page.problems).toEqual([]);
  });

  it('says what is wrong with an address, and plays on', async () => {
    const page = await open(WIDE);
    await until(async () => (await tick(page)) >= 1);
    await page.evaluate(`(() => {
      document.querySelector('[data-part=address]').value = ${JSON.stringify(`${server.url}nowhere`)};
      document.querySelector('[data-part=address-form]').requestSubmit();
    })()`);
    await until(async () => (await text(page, 'notice')).includes('expected a JSON list of the names in this folder, found status 404'));
    await keep(page, 'error');
    const before = await tick(page);
    await until(async () => (await tick(page)) > before);
  });

  it.each([
    ['phone', PHONE],
    ['phone-dark', { ...PHONE, dark: true }],
    ['dark', { ...WIDE, dark: true }],
  ] as const)('fits its screen: %s', async (name, options) => {
    const page = await open(options);
    await until(async () => (await tick(page)) >= 12);
    await keep(page, name);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it('works offline after the first load', async () => {
    const own = await servePage(folder, 0);
    const page = await (browser as Browser).open(own.url, WIDE);
    await until(async () => (await tick(page)) >= 1);
    await until(() => page.evaluate('navigator.serviceWorker.controller !== null'));
    // What the first visit fetched before its worker was there is fetched once more.
    await page.goto(own.url);
    await until(async () => (await tick(page)) >= 1);
    own.close();
    await page.goto(own.url);
    await until(async () => (await tick(page)) >= 1);
  });
});
