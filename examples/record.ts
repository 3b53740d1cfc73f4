/**
 * A control loop that is recorded: Push-T in its simulator, ten actions a second, into an MCAP file.
 *
 *     node dist/examples/record.js run.mcap
 *     npx warmstep replay run.mcap --policy checkpoints/pusht-state/policy --predictor checkpoints/pusht-state/predictor --plot run.svg
 */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPolicy } from 'warmstep';
import { ControlLoop } from 'warmstep/control';
import { pushTTask } from 'warmstep/push-t';
import { recordLoop } from 'warmstep/recording';

const SECONDS = 12;
const SEED = 100_000;

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: node dist/examples/record.js FILE');
const folder = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const policy = await loadPolicy(`${folder}/policy`, {
  networks: { predictor: `${folder}/predictor` },
  strategy: { name: 'STEP', budget: 2 },
});
const robot = await pushTTask(policy.info).create();
await robot.reset(SEED);

const loop = new ControlLoop(policy, {
  tickMs: 100,
  late: 'hold',
  send: async (action) => {
    await robot.step(Float32Array.from(action));
    loop.observe(robot.observe());
  },
  onStop: ({ kind, message }) => console.log(`stopped (${kind}): ${message}`),
});
const file = await open(path, 'w');
const recording = await recordLoop(loop, { write: (bytes) => file.appendFile(bytes), close: () => file.close() });

loop.observe(robot.observe());
loop.start();
await Promise.race([sleep(SECONDS * 1000), loop.stopped]);
await loop.stop('the example is over');
const { messages, dropped } = await recording.closed;
await policy.dispose();
console.log(`${path}: ${messages} messages, ${Object.keys(dropped).length === 0 ? 'none' : JSON.stringify(dropped)} dropped`);
