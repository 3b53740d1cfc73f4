import { describe, it } from 'vitest';
import { expectLossIsNamed, LOSSES, type Loss } from '../support/device-loss.js';

describe('a device that is lost at any call of the GPU, before it or while it is waited for', () => {
  it.each((Object.keys(LOSSES) as Loss[]).filter((name) => name !== 'tune'))(
    '%s ends with DeviceLostError',
    { timeout: 3_600_000 },
    (name) => expectLossIsNamed(name, 'all'),
  );

  // Thousands of calls that are alike: it measures.
  it('tune ends with DeviceLostError, at 60 places', { timeout: 3_600_000 }, () => expectLossIsNamed('tune', 60));
});
