import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { GOLDENS } from '../support/golden-cases.js';

// One of each method; the others are in methods.long.test.ts.
describe('cases of methods with networks of their own', () => {
  const device = useTestDevice();

  it.each(['cp-3step', 'onedp-s', 'no-diffusion'])('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), 'f32');
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(30);
  });
});
