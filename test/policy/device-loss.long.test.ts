import { describe, it } from 'vitest';
import { expectLossIsNamed, LOSSES, type Loss } from '../support/device-loss.js';

describe('a device that is lost at any turn that calls the GPU, before it or while it is waited for', () => {
  it.each(Object.keys(LOSSES) as Loss[])('%s ends with DeviceLostError', { timeout: 3_600_000 }, (name) => expectLossIsNamed(name, 'all'));
});
