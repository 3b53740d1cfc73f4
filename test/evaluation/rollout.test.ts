import { expect, it } from 'vitest';
import type { Task } from '../../src/envs/environment.js';
import { Rollout } from '../../src/evaluation/rollout.js';
import type { Decision } from '../../src/policy/decision-result.js';
import type { Episode } from '../../src/policy/episode.js';

const SIZES = {
  observations: [{ kind: 'vector' as const, name: 'state', feature: 'observation.state', size: 1 }],
  observationSteps: 3,
  actionDim: 1,
};

const task = {
  maxTicks: 8,
  create: async () => ({ reset: () => {}, step: () => ({ reward: 0, success: false }), observe: () => ({ state: [0] }), snapshot: [] }),
} as unknown as Task;

/** One action per decision, the row that its strategy says. */
function decision(firstRow: number, chunk: readonly number[]): Decision {
  const normalizedChunk = Float32Array.from(chunk);
  const actions = normalizedChunk.slice(firstRow, firstRow + 1);
  return {
    normalizedChunk,
    chunk: normalizedChunk,
    actions,
    firstRow,
    evaluations: 1,
    screening: 0,
    stalled: false,
  } as Partial<Decision> as Decision;
}

it.each([0, 2])('measures jumps between the rows that were executed, where the first of them is %i', async (firstRow) => {
  const rollout = new Rollout({} as Episode, SIZES, { task, seed: 1 });
  await rollout.begin();
  const executed = [1, 4, 4.5];
  for (const [k, value] of executed.entries()) {
    const chunk = Array.from({ length: 4 }, (_, row) => (row === firstRow ? value : 1000 * (k + 1) * (row + 1)));
    await rollout.execute(decision(firstRow, chunk));
  }
  expect(rollout.record()).toMatchObject({ ticks: 3, jumps: [3, 0.5] });
  expect(rollout.record().failure).toBeUndefined();
});
