import { describe, it } from 'vitest';
import { useOwnTestDevice } from '../support/device.js';
import { expectSteadyMemory } from '../support/steady-memory.js';

/**
 * So few decisions tell what JavaScript keeps, ten kilobytes per decision and more; the process still takes memory meanwhile
 * for code that is compiled once (decision 3). soak.long.test.ts looks for less, in the whole process.
 */
const WARM_UP = 105;
const DECISIONS = 504;

describe('hundreds of decisions', () => {
  const device = useOwnTestDevice();

  it(`what JavaScript holds grows by less than 5 MB over ${DECISIONS} decisions, threads and descriptors not at all`, async () => {
    await expectSteadyMemory(device(), 'script', WARM_UP, DECISIONS);
  });
});
