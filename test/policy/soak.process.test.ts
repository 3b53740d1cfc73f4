import { describe, it } from 'vitest';
import { useOwnTestDevice } from '../support/device.js';
import { expectSteadyMemory } from '../support/steady-memory.js';

/** What leaks ten kilobytes per decision shows within some hundreds; soak.long.test.ts looks for less. */
const WARM_UP = 100;
const DECISIONS = 500;

describe('hundreds of decisions', () => {
  const device = useOwnTestDevice();

  it(`memory grows by less than 5 MB over ${DECISIONS} decisions`, () => expectSteadyMemory(device(), WARM_UP, DECISIONS));
});
