/**
 * Several robots, one device: their decisions run through the network together.
 *
 *     node dist/examples/decide-fleet.js
 *
 * Requests with `previous` neither use nor change an episode, so the caller keeps each robot's history.
 */
import { fileURLToPath } from 'node:url';
import { loadPolicy, type PastChunk } from 'warmstep';

const ROBOTS = 3;
const DECISIONS = 3;

const folder = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const policy = await loadPolicy(`${folder}/policy`, { networks: { predictor: 'shift' }, strategy: { name: 'STEP', budget: 2 } });
const { observations, observationSteps, actionSteps, actionDim } = policy.info;
await policy.warmup(ROBOTS);

// observationSteps frames, oldest first.
const windowOf = (robot: number): Record<string, Float32Array> =>
  Object.fromEntries(
    observations.flatMap((observation) =>
      observation.kind === 'vector'
        ? [[observation.name, new Float32Array(observationSteps * observation.size).fill(200 + 10 * robot)]]
        : [],
    ),
  );
const past: PastChunk[][] = Array.from({ length: ROBOTS }, () => []);
for (let round = 0; round < DECISIONS; round++) {
  const decisions = await policy.decideAll(past.map((previous, robot) => ({ window: windowOf(robot), previous, seed: round })));
  decisions.forEach((decision, robot) => {
    past[robot] = [decision, ...(past[robot] ?? [])].slice(0, 2);
    const first = decision.actions.subarray(0, actionDim);
    console.log(
      `decision ${round}, robot ${robot}: first of ${actionSteps} actions ${Array.from(first, (value) => value.toFixed(1)).join(', ')}`,
    );
  });
}
await policy.dispose();
