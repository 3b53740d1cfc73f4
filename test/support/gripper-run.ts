import { gripperExpertActions } from '../../src/envs/gripper/expert.js';
import type { GripperTaskName } from '../../src/envs/gripper/goal.js';
import { FloatingGripper } from '../../src/envs/gripper/gripper.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';
import { expertEpisodeOf } from './expert-episode.js';
import { mujoco } from './mujoco.js';

/** An environment for as long as the work takes. */
export async function usingGripper<T>(task: GripperTaskName, work: (environment: FloatingGripper) => T): Promise<T> {
  const environment = new FloatingGripper(await mujoco(), task);
  try {
    return work(environment);
  } finally {
    environment.close();
  }
}

/** Positions of everything over so many ticks of the expert, as a text. */
export function gripperTrace(environment: FloatingGripper, seed: number, ticks: number): string {
  environment.reset(seed);
  const texts: string[] = [];
  for (const { action } of gripperExpertActions(environment, { seed })) {
    environment.step(action);
    texts.push(environment.body.simulation.views.qpos.join());
    if (texts.length === ticks) break;
  }
  return texts.join('\n');
}

/** An episode of the expert as an evaluation would record it, with its replay. */
export function gripperEpisode(environment: FloatingGripper, seed: number): EpisodeRecord {
  environment.reset(seed);
  return expertEpisodeOf(environment, seed, gripperExpertActions(environment, { seed }));
}
