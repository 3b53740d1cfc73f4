import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { demonstrationTensors } from '../../../src/cli/demonstrations/tensors.js';
import { recordDemonstration } from '../../../src/envs/mujoco/demonstration.js';
import { localSimulations } from '../../../src/envs/mujoco/local.js';
import { startMujoco } from '../../../src/envs/mujoco/module.js';
import { simulatedTaskKind } from '../../../src/envs/mujoco/task.js';
import { SO101_TASKS } from '../../../src/envs/so101/goals.js';
import { so101Simulation } from '../../../src/envs/so101/task.js';
import { evaluate } from '../../../src/evaluation/evaluate.js';
import { readDemonstrations } from '../../../src/mixture/demonstrations.js';
import { kernelPolicy } from '../../../src/mixture/kernel-policy.js';
import { parseStrategy } from '../../../src/strategies/parse.js';

import { importMujoco } from '../../support/mujoco.js';

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

/** Shares of successes of a policy of demonstrations with pauses, from their own begins, for noise of standstills. */
async function successes(name: (typeof SO101_TASKS)[number], sigmas: readonly number[]): Promise<number[]> {
  const task = so101Simulation(name);
  const demonstrator = task.demonstrations.create(await startMujoco('test', importMujoco));
  const episodes = SEEDS.map((seed) => recordDemonstration(demonstrator, seed, true, task.maxTicks));
  demonstrator.environment.close();
  const bytes = demonstrationTensors(task, episodes, { pauses: true, version: 'test' });
  const file = await memorySource(name, { file: bytes }).open('file');
  const policy = kernelPolicy(await readDemonstrations(await SafetensorsFile.open(file)));
  const evaluated = simulatedTaskKind(task, localSimulations('test', importMujoco)).forPolicy(policy.info);
  const shares: number[] = [];
  for (const sigma of sigmas) {
    const strategy = parseStrategy(`step:2/start=eq13/sigmaT=0/sigmaStall=${sigma}`);
    const records = await evaluate(policy, { task: evaluated, strategy, seeds: SEEDS, parallel: 20 });
    shares.push(records.filter(({ success }) => success).length / SEEDS.length);
  }
  return shares;
}

describe('the stall of STEP on an arm whose servos stick', () => {
  it.each(SO101_TASKS)('%s: no success without noise, and most with enough of it', async (name) => {
    const [none = 1, ...some] = await successes(name, [0, 0.8, 1.2, 1.6]);
    expect(none).toBeLessThanOrEqual(0.1);
    expect(Math.max(...some)).toBeGreaterThanOrEqual(0.8);
  });
});
