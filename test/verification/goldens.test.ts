import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { openTestDevice } from '../support/device.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { verifyCase } from '../../src/verification/verify-case.js';

const goldens = fileURLToPath(new URL('../goldens', import.meta.url));
const cases = readdirSync(goldens, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);

describe.each(['f32', 'f16', 'int8'] as const)('golden cases with %s storage', (precision) => {
  let device: ComputeDevice;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => device.dispose());

  it('covers all recorded cases', () => expect(cases).toHaveLength(9));

  it.each(cases)('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(goldens, name)), device, precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});

describe('golden cases with the variants for GPUs', () => {
  it('agree as well', async () => {
    const device = await openTestDevice({ deviceClass: 'gpu' });
    try {
      const report = await verifyCase(await caseFolder(join(goldens, 'state-bias-film')), device);
      expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    } finally {
      device.dispose();
    }
  });
});
