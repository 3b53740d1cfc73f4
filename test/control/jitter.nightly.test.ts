import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/control/control-loop.js';
import type { DecisionSource } from '../../src/control/decision-source.js';
import { summarize } from '../../src/foundation/statistics.js';
import { loadPolicy } from '../../src/platform/node/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { openTestDevice } from '../support/device.js';

const BUNDLED = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const VERTICES = [197, 283, 282, 198, 303, 219, 218, 304, 232, 247, 254, 227, 321, 294, 300, 315];
const TICK_MS = 20;
const SLICE_MS = 2000;
const TURNS = 3;

/** How late the ticks of a loop at 50 Hz are, in milliseconds, sensors and all. */
async function lateness(source: DecisionSource): Promise<number[]> {
  const found: number[] = [];
  const loop = new ControlLoop(source, { tickMs: TICK_MS, late: 'repeat', maxMisses: Infinity, send: () => {}, onStop: () => {} });
  loop.on('tick', ({ latenessMs }) => void found.push(latenessMs));
  const observe = (): void => loop.observe({ 'observation.state': [200, 300], 'observation.environment_state': VERTICES });
  observe();
  const sensor = setInterval(observe, 7);
  loop.start();
  await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  clearInterval(sensor);
  await loop.stop();
  return found;
}

describe('the jitter of a loop at 50 Hz', () => {
  let policy: Policy;
  beforeAll(async () => {
    const device = await openTestDevice();
    policy = await loadPolicy(`${BUNDLED}/policy`, {
      device,
      networks: { predictor: `${BUNDLED}/predictor` },
      strategy: { name: 'STEP', budget: 2 },
      onDispose: () => device.dispose(),
    });
  });
  afterAll(() => policy.dispose());

  it('is hardly more with decisions on the way than with none, beside each other on the same machine', async () => {
    const { info } = policy;
    const chunk = new Float32Array(info.horizon * info.actionDim);
    const nothing: DecisionSource = { info, decide: () => Promise.resolve({ chunk }), reset: () => {} };
    const [idle, deciding]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      idle.push(...(await lateness(nothing)));
      deciding.push(...(await lateness(policy)));
    }
    const p = (values: readonly number[]): { p50: number; p95: number } =>
      summarize(values, ['p50', 'p95']) as { p50: number; p95: number };
    // A nap, a turn that encodes, and a timer's own millisecond; the adapter computes on the same cores, so the tail is not the host's alone.
    expect(p(deciding).p50).toBeLessThan(p(idle).p50 + 1.5);
    expect(p(deciding).p95).toBeLessThan(p(idle).p95 + TICK_MS / 2);
    expect(deciding.length).toBeGreaterThan(idle.length / 2);
  });
});
