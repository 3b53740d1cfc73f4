import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { GOLDENS } from '../support/golden-cases.js';

describe('cases of BRIDGER, with their losses', () => {
  const device = useTestDevice();

  it.each([
    ['bridger-sde', 60],
    ['bridger-sde-cvae', 85],
    ['bridger-cvae', 45],
  ])('%s agrees in every tensor', async (name, count) => {
    const { tensors } = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), 'f32');
    expect(tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(tensors).toHaveLength(count);
  });
});
