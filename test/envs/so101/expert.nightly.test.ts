import { describe, expect, it } from 'vitest';
import type { So101TaskName } from '../../../src/envs/so101/goals.js';
import type { So101Options } from '../../../src/envs/so101/options.js';
import { So101 } from '../../../src/envs/so101/so101.js';
import { mujoco } from '../../support/mujoco.js';
import { playExpert } from '../../support/so101-run.js';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

describe('the expert over 50 seeds', () => {
  it.each<[So101TaskName, So101Options, boolean, number]>([
    ['so101-pick-place', {}, false, 49],
    ['so101-stack-cube', {}, false, 49],
    ['so101-pick-place', {}, true, 49],
    ['so101-stack-cube', {}, true, 49],
    ['so101-pick-place', { voltage: 7.4 }, false, 48],
    ['so101-stack-cube', { voltage: 7.4 }, false, 48],
    ['so101-pick-place', { backlash: 0.87 }, false, 46],
    ['so101-stack-cube', { backlash: 0.87 }, false, 46],
  ])('%s %o, pauses %s: at least %i', async (task, options, pauses, least) => {
    const environment = new So101(await mujoco(), task, options);
    try {
      const cpu = process.cpuUsage();
      const results = SEEDS.map((seed) => playExpert(environment, seed, { pauses }));
      const { user, system } = process.cpuUsage(cpu);
      const ticks = results.map((result) => result.ticks).sort((a, b) => a - b);
      const failed = SEEDS.filter((seed) => !results[seed]?.success);
      const perTick = (user + system) / 1000 / ticks.reduce((sum, count) => sum + count + 15, 0);
      console.log(
        `${environment.name}, pauses ${pauses}: ${50 - failed.length} of 50, median ${ticks[25]} ticks (${ticks[0]} to ${ticks[49]}), ` +
          `failed: ${failed.join(' ') || 'none'}; ${perTick.toFixed(2)} ms of processor per tick`,
      );
      expect(50 - failed.length).toBeGreaterThanOrEqual(least);
    } finally {
      environment.close();
    }
  });
});
