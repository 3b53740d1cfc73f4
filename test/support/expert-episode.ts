import type { ExpertAction } from '../../src/envs/mujoco/demonstration.js';
import type { SimulatedEnvironment } from '../../src/envs/mujoco/simulated-environment.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';

/** An episode that an expert plays from a reset on, as an evaluation would record it, with its replay; `chunk`: ticks of a decision. */
export function expertEpisodeOf(
  environment: SimulatedEnvironment,
  seed: number,
  actions: Iterable<ExpertAction>,
  chunk = 8,
): EpisodeRecord {
  const rounded = (values: readonly number[], digits: number): number[] => values.map((value) => Number(value.toFixed(digits)));
  const states = rounded(environment.snapshot(), 5);
  const targets: number[] = [];
  const rewards: number[] = [];
  let success = false;
  for (const { action } of actions) {
    const step = environment.step(action);
    rewards.push(step.reward);
    targets.push(...rounded(action, 4));
    states.push(...rounded(environment.snapshot(), 5));
    success = step.success;
    if (success) break;
  }
  const ticks = rewards.length;
  const decisionTicks = Array.from({ length: Math.ceil(ticks / chunk) }, (_, i) => chunk * i);
  return {
    seed,
    score: Math.max(...rewards),
    success,
    ticks,
    decisions: decisionTicks.length,
    evaluations: 2 * decisionTicks.length,
    screening: 0,
    stalls: 0,
    jumps: decisionTicks.slice(1).map(() => 0.05),
    rewards,
    replay: { states, targets, decisionTicks, stalledDecisions: [] },
  };
}
