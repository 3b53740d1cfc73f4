import { describe, it } from 'vitest';
import { expectFreedDevices, type USES } from '../support/freed-devices.js';
import { COUNTS_RESOURCES } from '../support/resources.js';

/** What, how many times, and bytes that Dawn and its driver may keep of each: a load compiles ten kernels, a policy thirty. */
const SOAKS: readonly (readonly [keyof typeof USES, number, number])[] = [
  ['opened and compiled with', 200, 0.6e6],
  ['of a policy', 40, 8e6],
  ['of a load that failed', 60, 3e6],
];

describe.runIf(COUNTS_RESOURCES)('devices leave nothing behind', () => {
  it.each(SOAKS)('%s, %d times', { timeout: 1_800_000 }, async (use, count, growth) => {
    const grown = await expectFreedDevices(use, count, growth);
    console.info(`${use}: ${(grown / 1e6).toFixed(2)} MB of the process per device`);
  });
});
