import { describe, it } from 'vitest';
import { useOwnTestDevice } from '../support/device.js';
import { expectSteadyMemory } from '../support/steady-memory.js';

/**
 * The JavaScript engine compiles hot functions until about the thousandth decision and keeps several MB for it once; with
 * `node --no-opt` memory stands still after a few hundred.
 */
const WARM_UP = 1500;
const DECISIONS = 3000;

describe('thousands of decisions', () => {
  const device = useOwnTestDevice();

  it(`memory grows by less than 5 MB over ${DECISIONS} decisions`, { timeout: 900_000 }, () =>
    expectSteadyMemory(device(), 'process', WARM_UP, DECISIONS),
  );
});
