import { describe, it } from 'vitest';
import { useTestDevice } from '../../support/device.js';
import { expectSameAfterInterruption, tinyPolicyRun } from '../../support/training-runs.js';

describe('the training of a policy on a device', () => {
  const device = useTestDevice();

  it('that was interrupted and gone on with equals one that was not, bit by bit', async () => {
    await expectSameAfterInterruption(tinyPolicyRun, device());
  });
});
