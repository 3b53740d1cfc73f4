import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const goldens = fileURLToPath(new URL('../goldens', import.meta.url));
const cases = readdirSync(goldens, { withFileTypes: true })
  // A folder of cases for something else, such as `methods`, is none itself.
  .filter((entry) => entry.isDirectory() && existsSync(join(goldens, entry.name, 'case.json')))
  .map((entry) => entry.name);

describe.each(['f32', 'f16', 'int8'] as const)('golden cases with %s storage', (precision) => {
  const device = useTestDevice();

  it('covers all recorded cases', () => expect(cases).toHaveLength(9));

  it.each(cases)('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(goldens, name)), device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});
