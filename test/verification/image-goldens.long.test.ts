import { describe, expect, it } from 'vitest';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { imageCaseSources } from '../support/image-folders.js';

/** Where the file holds halves, f16 rounds nothing. */
const CASES = [
  ['image-bn-separate', 'f32'],
  ['image-resize-crop', 'f32'],
  ['image-odd', 'f32'],
  ['image-resnet34', 'f32'],
  ['image-resnet34', 'f16'],
  ['image-pusht', 'f32'],
  ['step-image', 'f32'],
  ['bridger-cvae-image', 'f32'],
] as const;

describe('recorded cases with images', () => {
  const device = useTestDevice();

  it.each(CASES)('%s agrees in every tensor, %s', async (name, precision) => {
    const sources = imageCaseSources(name);
    if (!sources) return;
    const report = await verifyCase(sources, device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});
