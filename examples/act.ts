/**
 * A control loop in its smallest form: one observation in, one action out, ten times a second.
 *
 *     node dist/examples/act.js
 *
 * The robot is a stand-in that moves straight to where it is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPolicy } from 'warmstep';

const TICK_MS = 100;
const TICKS = 24;

const folder = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const policy = await loadPolicy(`${folder}/policy`, {
  networks: { predictor: `${folder}/predictor` },
  onDecision: ({ warm, timesteps, latencyMs }) =>
    console.log(`  decided ${warm ? 'from the prediction' : 'from noise'} in ${timesteps.length} steps, ${latencyMs.toFixed(1)} ms`),
});
console.log(`${policy.info.strategy} on ${policy.info.adapter.description}`);

let agent: ArrayLike<number> = [200, 300];
// The eight corners of the T, x and y, in pixels of the board.
const vertices = [197, 283, 282, 198, 303, 219, 218, 304, 232, 247, 254, 227, 321, 294, 300, 315];
for (let tick = 0; tick < TICKS; tick++) {
  const due = performance.now() + TICK_MS;
  agent = await policy.act({ 'observation.state': agent, 'observation.environment_state': vertices });
  console.log(`tick ${tick}: go to ${Array.from(agent, (value) => value.toFixed(1)).join(', ')}`);
  await sleep(Math.max(0, due - performance.now()));
}
await policy.dispose();
