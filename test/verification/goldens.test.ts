import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { goldenFiles, jsonOf } from '../support/folders.js';
import { CASES, GOLDENS, LARGE_CASES } from '../support/golden-cases.js';

// The large ones are in the long half; with f16 storage the rest as well, with int8 all.
const RUNS = {
  f32: [...CASES.filter((name) => !LARGE_CASES.includes(name)), 'methods/bridger-cvae'],
  f16: ['state-ddim2', 'step-forward-noise'],
};

it('all recorded cases are covered', () => expect(CASES).toHaveLength(9));

describe.each(['f32', 'f16'] as const)('golden cases with %s storage', (precision) => {
  const device = useTestDevice();

  it.each(RUNS[precision])('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, name)), device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});

describe('a case of a kind that is not known', () => {
  const device = useTestDevice();

  it('is refused by name, and not taken for another', async () => {
    const files = goldenFiles('step-eq13-stall');
    files['case.json'] = new TextEncoder().encode(JSON.stringify({ ...(jsonOf(files, 'case.json') as object), kind: 'flow_policy' }));
    const sources = {
      golden: memorySource('newer', files),
      policy: memorySource('policy', goldenFiles('step-eq13-stall/policy')),
      predictor: undefined,
    };
    await expect(verifyCase(sources, device())).rejects.toThrow(/kind must be none, step, cvae, bridger_cvae, .*found "flow_policy"/);
  });
});
