import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { GOLDENS } from '../support/golden-cases.js';
import { readTensors } from '../support/read-tensors.js';

/** The smallest recorded training case; the others, and other device classes, are in training-goldens.long.test.ts. */
describe('a recorded training case', () => {
  const device = useTestDevice();

  it('agrees in losses, gradients, changes and inner values, and dumps them', async () => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, 'train-unet-nofilm')), device());
    expect(report.tensors.filter(({ pass }) => !pass)).toEqual([]);
    const runs = ['lerobot', 'diffusion-policy', 'masked-clip-adamw', 'masked-clip-adam'];
    const named = (name: string): number => report.tensors.filter((tensor) => tensor.name.startsWith(name)).length;
    for (const run of runs) expect(named(`${run}.`), run).toBeGreaterThanOrEqual(10);
    expect(named('activation.')).toBe(12);
    expect(named('grad_activation.')).toBe(12);

    const dump = await readTensors(report.dump);
    for (const run of runs) {
      expect(dump.get(`${run}.loss`), run).toMatchObject({ dtype: 'F64', shape: [10] });
      expect(dump.get(`${run}.delta.10.samples`), run).toMatchObject({ dtype: 'F32', shape: [100, 64] });
      expect(dump.get(`${run}.delta.10.l2`), run).toMatchObject({ dtype: 'F32', shape: [100] });
    }
    expect([...dump.keys()].filter((name) => name.startsWith('grad.'))).toHaveLength(100);
    expect(dump.get('grad.diffusion.unet.final_conv.1.weight')).toMatchObject({ dtype: 'F32', shape: [3, 24, 1] });
  });
});
