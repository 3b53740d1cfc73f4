import { type ExpertOptions, expertActions } from '../../src/envs/so101/expert.js';
import type { So101 } from '../../src/envs/so101/so101.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';

/** Lets the expert play an episode. */
export function playExpert(environment: So101, seed: number, options: ExpertOptions = {}): { ticks: number; success: boolean } {
  environment.reset(seed);
  let ticks = 0;
  for (const { action } of expertActions(environment, { seed, ...options })) {
    ticks++;
    if (environment.step(action).success) return { ticks, success: true };
  }
  return { ticks, success: false };
}

/** Positions of everything over so many ticks of the expert, as a text. */
export function trace(environment: So101, seed: number, ticks: number): string {
  environment.reset(seed);
  const texts: string[] = [];
  for (const { action } of expertActions(environment, { seed })) {
    environment.step(action);
    texts.push(environment.body.simulation.views.qpos.join());
    if (texts.length === ticks) break;
  }
  return texts.join('\n');
}

/** An episode of the expert as an evaluation would record it, with its replay; `chunk`: ticks of a decision. */
export function expertEpisode(environment: So101, seed: number, chunk = 8): EpisodeRecord {
  environment.reset(seed);
  const rounded = (values: readonly number[], digits: number): number[] => values.map((value) => Number(value.toFixed(digits)));
  const states = rounded(environment.snapshot(), 5);
  const targets: number[] = [];
  const rewards: number[] = [];
  let success = false;
  for (const { action } of expertActions(environment, { seed })) {
    const step = environment.step(action);
    rewards.push(step.reward);
    targets.push(...rounded(action, 3));
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
