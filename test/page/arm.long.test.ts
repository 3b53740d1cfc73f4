import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPage, servePage } from '../../examples/page/build.js';
import { writeArmPolicy } from '../support/arm-policy.js';
import { Browser } from '../support/browser.js';
import { repositoryPath } from '../support/captured.js';
import { FeetechArm } from '../support/feetech-arm.js';
import type { Page } from '../support/page.js';

const browser = await Browser.launch();
if (!browser) console.log('left out: the page that drives an arm needs @sparticuz/chromium, which has one for Linux x64');
const folder = mkdtempSync(join(tmpdir(), 'warmstep-arm-'));
if (browser) {
  await buildPage(folder);
  await build({
    entryPoints: [repositoryPath('test/support/fake-serial.ts')],
    outfile: join(folder, 'fake-serial.js'),
    bundle: true,
    format: 'esm',
  });
  const html = readFileSync(join(folder, 'arm.html'), 'utf8');
  writeFileSync(join(folder, 'arm.html'), html.replace('<script', '<script type="module" src="fake-serial.js"></script><script'));
  const policy = await writeArmPolicy(folder);
  writeFileSync(join(policy, 'index.json'), JSON.stringify(readdirSync(policy)));
}
const server = await servePage(folder, 0);
const SCREENSHOTS = process.env['WARMSTEP_SCREENSHOTS'];

afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

const part = (name: string): string => `document.querySelector('[data-part="${name}"]')`;
const text = (page: Page, name: string): Promise<string> => page.evaluate(`${part(name)}.textContent`);
const until = (read: () => Promise<string>, wanted: RegExp): Promise<void> =>
  expect.poll(read, { timeout: 90_000, interval: 100 }).toMatch(wanted);

describe.skipIf(!browser)('the page that drives an arm', () => {
  /** With the arm found and the policy loaded. */
  async function ready(calibration: object = new FeetechArm().calibration, options = { width: 1240, height: 900 }): Promise<Page> {
    const page = await (browser as Browser).open(`${server.url}arm.html`, options);
    await page.evaluate(`(() => {
      const files = new DataTransfer();
      files.items.add(new File([${JSON.stringify(JSON.stringify(calibration))}], 'arm.json'));
      ${part('calibration')}.files = files.files;
      ${part('units')}.value = 'degrees';
      ${part('arm-form')}.requestSubmit();
      ${part('address')}.value = ${JSON.stringify(`${server.url}policy-6/`)};
    })()`);
    return page;
  }
  const load = async (page: Page): Promise<void> => {
    await page.evaluate(`${part('policy-form')}.requestSubmit()`);
    await until(() => text(page, 'policy-status'), /Reads observation.state; 8 actions a decision/);
  };
  const torque = (page: Page): Promise<number[]> => page.evaluate('[...simulated.servos.values()].map(({ table }) => table[40])');
  const disabled = (page: Page): Promise<boolean[]> =>
    page.evaluate(`['connect', 'load', 'start', 'stop'].map((name) => document.querySelector('[data-part="' + name + '"]').disabled)`);
  const asksBeforeClosing = (page: Page): Promise<boolean> =>
    page.evaluate(`!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))`);
  const written = (page: Page): Promise<number> =>
    page.evaluate('simulated.seen.filter(([, , code]) => code === 3 || code === 0x83).length');

  it('reads the arm, decides in a dry run without writing a byte, then moves it, and lets go at Escape', async () => {
    const page = await ready();
    await until(() => text(page, 'arm-status'), /nothing was written/);
    await load(page);
    expect(await text(page, 'start')).toBe('Dry run');
    await page.click('[data-part=start]');
    await until(() => text(page, 'drive-status'), /Dry run, tick \d\d/);
    await page.click('[data-part=stop]');
    await until(() => text(page, 'drive-status'), /Ended: it was stopped\. \d+ decisions\. The torque is off/);
    expect([await written(page), await torque(page)]).toEqual([0, [0, 0, 0, 0, 0, 0]]);
    await page.click('[data-part=moves]');
    expect(await text(page, 'start')).toBe('Move the arm');
    await page.click('[data-part=start]');
    await until(() => text(page, 'drive-status'), /Driving, tick \d\d/);
    expect(await torque(page)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await text(page, 'arm-status')).toBe('The servos are set up for the drive.');
    expect(await text(page, 'joints')).toMatch(/gripper[-\d.]+12\.1 V36 °C\s*$/);
    if (SCREENSHOTS !== undefined) writeFileSync(join(SCREENSHOTS, 'arm-wide.png'), await page.screenshot());
    // Arm and policy are the drive's, and the page is not closed unasked.
    expect(await disabled(page)).toEqual([true, true, true, false]);
    for (const form of ['arm-form', 'policy-form']) {
      await page.evaluate(`${part('notice')}.hidden = true, ${part(form)}.requestSubmit()`);
      expect([await page.evaluate(`${part('notice')}.hidden`), await text(page, 'notice')]).toEqual([
        false,
        'The arm is being driven: stop it first.',
      ]);
    }
    expect(await asksBeforeClosing(page)).toBe(true);
    expect(await torque(page)).toEqual([1, 1, 1, 1, 1, 1]);
    await page.press('Escape');
    await until(() => text(page, 'drive-status'), /The torque is off/);
    expect(await torque(page)).toEqual([0, 0, 0, 0, 0, 0]);
    await expect.poll(() => disabled(page)).toEqual([false, false, false, true]);
    expect(await asksBeforeClosing(page)).toBe(false);
    expect(page.problems).toEqual([]);
  });

  it('says that the cable was pulled', async () => {
    const page = await ready(undefined, { width: 390, height: 844 });
    await until(() => text(page, 'arm-status'), /nothing was written/);
    await load(page);
    await page.click('[data-part=moves]');
    await page.click('[data-part=start]');
    await until(() => text(page, 'drive-status'), /Driving, tick \d/);
    if (SCREENSHOTS !== undefined) writeFileSync(join(SCREENSHOTS, 'arm-phone.png'), await page.screenshot());
    await page.evaluate('simulated.unplug()');
    await until(
      () => text(page, 'notice'),
      /failed 3 times in a row: the serial line (is gone|cannot be written to).*The torque may be on: switch the supply off/s,
    );
    if (SCREENSHOTS !== undefined) writeFileSync(join(SCREENSHOTS, 'arm-phone-unplugged.png'), await page.screenshot());
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it("refuses another arm's calibration", async () => {
    const { gripper, ...others } = new FeetechArm().calibration;
    const page = await ready({ ...others, gripper: { ...gripper, range_max: 2500 } });
    await until(() => text(page, 'notice'), /not this arm's: gripper maximum position 3006 in the servo, 2500 in the file/);
    await load(page);
    expect(await page.evaluate(`${part('start')}.disabled`)).toBe(true);
  });
});
