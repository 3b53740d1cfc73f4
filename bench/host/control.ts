import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlMetrics } from '../../src/control/metrics.js';
import type { Observation } from '../../src/observations/check.js';
import { type Engine, moduleOf } from './engine.js';

const TICK_MS = 20;
/** A sensor that knows nothing of ticks. */
const SENSOR_MS = 7;

/** Runs a control loop at 50 Hz around a policy for some seconds. */
export async function measureControl({ root, policy, windows }: Engine, seconds: number): Promise<ControlMetrics> {
  const { ControlLoop } = await moduleOf<typeof import('../../src/control/control-loop.js')>(root, 'control/control-loop.js');
  const { observations } = policy.info;
  const loop = new ControlLoop(policy, { tickMs: TICK_MS, late: 'repeat', maxMisses: Infinity, send: () => {}, onStop: () => {} });
  let index = 0;
  const observe = (): void => {
    const window = windows[index++ % windows.length] as Observation;
    loop.observe(Object.fromEntries(observations.map(({ name, size }) => [name, Array.from(window[name] ?? []).slice(0, size)])));
  };
  observe();
  const sensor = setInterval(observe, SENSOR_MS);
  loop.start();
  await sleep(1000 * seconds);
  clearInterval(sensor);
  await loop.stop();
  return loop.metrics;
}
