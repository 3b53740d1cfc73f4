import { it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();
it('golden', async () => {
  const report = await verifyCase(await caseFolder('/work/shared/goldens/training/train-predictor'), device(), 'f32');
  for (const t of report.tensors) console.log(t.pass ? 'ok  ' : 'FAIL', t.name, (t.error / (t.scale || 1)).toExponential(2), t.tolerance);
});
