import { describe, it } from 'vitest';
import { expectFreedDevices } from '../support/freed-devices.js';
import { COUNTS_RESOURCES } from '../support/resources.js';

describe.runIf(COUNTS_RESOURCES)('200 devices leave nothing behind', () => {
  it('opened and compiled with', { timeout: 600_000 }, () => expectFreedDevices('opened and compiled with', 200, 60e6));

  it('of policies', { timeout: 1_800_000 }, () => expectFreedDevices('of a policy', 40, 120e6));

  it('of loads that failed', { timeout: 1_800_000 }, () => expectFreedDevices('of a load that failed', 200, 60e6));
});
