/**
 * Several robots, one device: their decisions run through the network together.
 *
 *     node dist/examples/plan-batch.js
 *
 * `plan` with `previous` neither uses nor changes the policy's own episode, so the caller keeps each fleet's history.
 */
import { fileURLToPath } from 'node:url';
import { loadPolicy, type PastChunk } from 'warmstep';

const ROBOTS = 3;
const DECISIONS = 3;

const folder = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const policy = await loadPolicy(`${folder}/policy`, { networks: { predictor: 'shift' }, strategy: { name: 'STEP', budget: 2 } });
const { observations, observationSteps, actionSteps, actionDim } = policy.info;
await policy.warmup(ROBOTS);

// A window per robot: observationSteps frames, oldest first, one robot after the other.
const window = Object.fromEntries(
  observations.map(({ name, size }) => [
    name,
    Float32Array.from({ length: ROBOTS * observationSteps * size }, (_, i) => 200 + 10 * Math.floor(i / (observationSteps * size))),
  ]),
);
let previous: PastChunk[] = [];
for (let decision = 0; decision < DECISIONS; decision++) {
  const result = await policy.plan(window, { previous, seed: decision });
  previous = [result, ...previous].slice(0, 2);
  for (let robot = 0; robot < ROBOTS; robot++) {
    const first = result.actions.subarray(robot * actionSteps * actionDim, robot * actionSteps * actionDim + actionDim);
    console.log(
      `decision ${decision}, robot ${robot}: first of ${actionSteps} actions ${Array.from(first, (value) => value.toFixed(1)).join(', ')}`,
    );
  }
}
await policy.dispose();
