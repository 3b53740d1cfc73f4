/**
 * Real time: 50 actions a second, the next chunk decided while the current one is executed.
 *
 *     node dist/examples/control-loop.js
 *
 * The robot is a stand-in that moves straight to where it is told; its sensor has a rate of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPolicy } from 'warmstep';
import { ControlLoop, type Distribution } from 'warmstep/control';

const SECONDS = 4;

const folder = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const policy = await loadPolicy(`${folder}/policy`, {
  networks: { predictor: `${folder}/predictor` },
  strategy: { name: 'STEP', budget: 2 },
});
console.log(`${policy.info.strategy} on ${policy.info.adapter.description}`);

let agent: ArrayLike<number> = [200, 300];
// The eight corners of the T, x and y, in pixels of the board.
const vertices = [197, 283, 282, 198, 303, 219, 218, 304, 232, 247, 254, 227, 321, 294, 300, 315];

const loop = new ControlLoop(policy, {
  tickMs: 20,
  late: 'hold',
  maxObservationAgeMs: 100,
  limits: { low: 0, high: 512, maxChange: 25 },
  send: (action) => {
    agent = action;
  },
  onStop: ({ kind, message }) => console.log(`stopped (${kind}): ${message}`),
});
loop.on('decision', ({ tick, latencyMs }) => console.log(`  tick ${tick}: decided in ${latencyMs.toFixed(1)} ms`));
loop.on('deadline-miss', ({ tick, cause }) => console.log(`  tick ${tick}: late, because of the ${cause}`));

const sensor = setInterval(() => loop.observe({ 'observation.state': agent, 'observation.environment_state': vertices }), 10);
loop.start();
await Promise.race([sleep(SECONDS * 1000), loop.stopped]);
await loop.stop('the example is over');
clearInterval(sensor);
await policy.dispose();

const shown = (values: Distribution | undefined): string =>
  values ? `p50 ${values.p50.toFixed(1)}, p95 ${values.p95.toFixed(1)}, max ${values.max.toFixed(1)} ms` : 'not measured';
const { metrics } = loop;
console.log(
  `${metrics.ticks} ticks and ${metrics.skippedTicks} skipped, ${metrics.waitingTicks} before the first chunk, ${metrics.deadlineMisses} late`,
);
console.log(`${metrics.sent} actions sent, ${metrics.limitedActions} of them limited`);
console.log(`deciding      ${shown(metrics.decisionLatencyMs)}`);
console.log(`jitter        ${shown(metrics.tickJitterMs)}`);
console.log(`age of action ${shown(metrics.actionAgeMs)}`);
