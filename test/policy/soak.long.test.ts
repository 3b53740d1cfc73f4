import { describe, it } from 'vitest';
import { useOwnTestDevice } from '../support/device.js';
import { expectSteadyMemory } from '../support/steady-memory.js';

/**
 * The JavaScript engine compiles hot functions until about the thousandth round of seven decisions and keeps several MB for it once; with
 * `node --no-opt` memory stands still after a few hundred.
 */
const WARM_UP = 5000;
/** `npm run test:nightly` asks for a hundred thousand. */
const DECISIONS = Number(process.env['WARMSTEP_DECISIONS'] ?? 10_500);

describe('thousands of decisions', () => {
  const device = useOwnTestDevice();

  it(`memory grows by less than 5 MB over ${DECISIONS} decisions, threads and descriptors not at all`, {
    timeout: 14_400_000,
  }, async () => {
    const { heap, rss, decisionMs } = await expectSteadyMemory(device(), 'process', WARM_UP, DECISIONS);
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
    console.info(
      `${DECISIONS} decisions of ${decisionMs.toFixed(2)} ms: heap ${megabytes(heap)} MB more, process ${megabytes(rss)} MB more`,
    );
  });
});
