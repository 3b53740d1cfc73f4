import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { CASES, GOLDENS } from '../support/golden-cases.js';

// int8 is in the long half.
describe.each(['f32', 'f16'] as const)('golden cases with %s storage', (precision) => {
  const device = useTestDevice();

  it('covers all recorded cases', () => expect(CASES).toHaveLength(9));

  // The methods that STEP is compared with are cases of their own.
  it.each([...CASES, 'methods/bridger-cvae'])('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, name)), device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});
