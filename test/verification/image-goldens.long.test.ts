import { describe, expect, it } from 'vitest';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { imageCaseSources } from '../support/image-folders.js';

const CASES = ['image-bn-separate', 'image-resize-crop', 'image-odd', 'image-resnet34', 'image-pusht'];

describe('recorded cases with images', () => {
  const device = useTestDevice();

  it.each(CASES)('%s agrees in every tensor, f32', async (name) => {
    const sources = imageCaseSources(name);
    if (!sources) return;
    const report = await verifyCase(sources, device());
    console.info(
      name,
      report.tensors.map(({ name: tensor, error, scale }) => `${tensor.slice(9)} ${(error / scale).toExponential(1)}`).join(', '),
    );
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});
