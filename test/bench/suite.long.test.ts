import { describe, expect, it } from 'vitest';
import { compareRecords } from '../../bench/kernels/compare.js';
import { report } from '../../bench/kernels/report.js';
import { decisionPicture, groupCases } from '../../bench/kernels/roofline.js';
import { runSuite, type SuiteOptions } from '../../bench/kernels/suite.js';
import { useTestDevice } from '../support/device.js';
import { xmlElements } from '../support/svg.js';

const QUICK: SuiteOptions = {
  size: 'tiny',
  precisions: ['f32'],
  batch: 1,
  horizon: 16,
  steps: 2,
  filter: 'mid_modules',
  seconds: 0.01,
  timestamps: false,
  arenaBytes: 16 << 20,
};

describe('the suite', () => {
  const device = useTestDevice({ timing: true });

  it('measures the cases that a filter leaves, on whatever adapter this is', async () => {
    const record = await runSuite(device(), QUICK);
    const [found] = record.precisions;
    expect(record.stream.every(({ gigabytesPerSecond }) => gigabytesPerSecond > 0)).toBe(true);
    expect(found?.decision).toBeNull();
    expect(found?.cases.length).toBeGreaterThan(0);
    for (const { layers, dispatch, chain } of found?.cases ?? []) {
      expect(layers.some((layer) => layer.includes('mid_modules'))).toBe(true);
      expect(dispatch.samplesMs.length).toBe(dispatch.count);
      expect(dispatch.p50).toBeGreaterThan(0);
      expect(chain).toBeGreaterThanOrEqual(1);
    }
    const text = report(record);
    expect(text).toContain(record.adapter.description);
    // A case is named after the first of its layers, which need not be the one that the filter found.
    for (const { id } of found?.cases ?? []) expect(text).toContain(id);
    expect(compareRecords(record, record).comparisons.every(({ speedup }) => speedup === 1)).toBe(true);
  });

  it('times every dispatch of whole decisions by the device, and draws where the time goes', async () => {
    const record = await runSuite(device(), { ...QUICK, filter: '', timestamps: true });
    const [found] = record.precisions;
    if (!found?.decision) throw new Error('nothing was measured');
    const dispatched = found.cases.reduce((sum, { perDecision }) => sum + perDecision, 0);
    expect(dispatched).toBe(found.dispatches);
    // Every occurrence in every decision is a sample.
    for (const { perDecision, dispatch, layers } of found.cases) {
      expect(dispatch.count % Math.max(perDecision, layers.length)).toBe(0);
    }
    const groups = groupCases(found.cases, 1);
    expect(groups.map(({ name }) => name)).toEqual([
      'observe',
      'predict',
      'start',
      'down 0',
      'down 1',
      'down 2',
      'middle',
      'up 0',
      'up 1',
      'final',
      'solver',
      'finish',
    ]);
    const picture = decisionPicture(record, found);
    expect(decisionPicture(record, found)).toBe(picture);
    const elements = xmlElements(picture);
    expect(elements[0]).toBe('svg');
    const drawn = found.cases.filter(({ macs, dispatch }) => macs > 0 && dispatch.p50 > 0);
    expect(elements.filter((name) => name === 'circle').length).toBe(drawn.length);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
    // On a quick adapter with a coarse clock a dispatch can take no time at all.
    const products = found.cases.filter(({ macs }) => macs > 0);
    const instant = found.cases.map((one) => (one === products[0] ? { ...one, dispatch: { ...one.dispatch, p50: 0 } } : one));
    const coarse = { ...found, cases: instant };
    const text = report({ ...record, precisions: [coarse] });
    const rest = decisionPicture(record, coarse);
    expect(rest).toContain('shorter than a tick of the device&#39;s clock');
    expect(text + rest).not.toMatch(/NaN|Infinity|undefined/);
    const none = { ...found, cases: found.cases.map((one) => ({ ...one, dispatch: { ...one.dispatch, p50: one.macs > 0 ? 0 : 1 } })) };
    expect(decisionPicture(record, none)).toContain('no matrix product took longer than a tick of the device&#39;s clock');
  });
});
