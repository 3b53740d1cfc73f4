import { describe, expect, it } from 'vitest';
import { GRIPPER_TASKS } from '../../../src/envs/gripper/goals/index.js';
import { gripperSimulation } from '../../../src/envs/gripper/task.js';
import { recordDemonstration } from '../../../src/envs/mujoco/demonstration.js';
import { mujoco } from '../../support/mujoco.js';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

describe('the expert of the floating gripper over 50 seeds', () => {
  it.each(GRIPPER_TASKS.flatMap((task) => [false, true].map((pauses) => [task, pauses] as const)))(
    '%s, pauses %s: all of them, solved to the end of its plan',
    async (task, pauses) => {
      const { maxTicks, demonstrations } = gripperSimulation('test', task);
      const demonstrator = demonstrations.create(await mujoco());
      try {
        const cpu = process.cpuUsage();
        const results = SEEDS.map((seed) => recordDemonstration(demonstrator, seed, pauses, maxTicks));
        const { user, system } = process.cpuUsage(cpu);
        const ticks = results.map((result) => result.ticks).sort((a, b) => a - b);
        const perTick = (user + system) / 1000 / ticks.reduce((sum, count) => sum + count, 0);
        const [least, middle, most] = [ticks[0], ticks[Math.floor(ticks.length / 2)], ticks.at(-1) as number];
        console.log(`${task}: ${least} to ${most} ticks, ${middle} in the middle; ${perTick.toFixed(2)} ms of processor time each`);
        expect(results.filter(({ success }) => !success).map(({ seed }) => seed)).toEqual([]);
        expect(most).toBeLessThan(maxTicks);
        // A policy scales what it reads by smallest and largest: a dimension must be constant, or more than noise.
        for (const rows of [results.flatMap((result) => result.states), results.flatMap((result) => result.environmentStates)]) {
          rows[0]?.forEach((_, dimension) => {
            const values = rows.map((row) => row[dimension] as number);
            const range = values.reduce((high, value) => Math.max(high, value)) - values.reduce((low, value) => Math.min(low, value));
            expect(range === 0 || range > 0.005, `dimension ${dimension} has a range of ${range}`).toBe(true);
          });
        }
      } finally {
        demonstrator.environment.close();
      }
    },
  );
});
