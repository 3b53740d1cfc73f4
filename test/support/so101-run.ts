import { type ExpertOptions, expertActions } from '../../src/envs/so101/expert.js';
import type { So101 } from '../../src/envs/so101/so101.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';
import { expertEpisodeOf } from './expert-episode.js';

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
  return expertEpisodeOf(environment, seed, expertActions(environment, { seed }), chunk);
}
