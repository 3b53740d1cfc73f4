import { type GripperExpertOptions, gripperExpertActions } from '../../src/envs/gripper/expert.js';
import type { GripperTaskName } from '../../src/envs/gripper/goal.js';
import { FloatingGripper } from '../../src/envs/gripper/gripper.js';
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

/** Lets the expert play an episode to its first success. */
export function playGripper(
  environment: FloatingGripper,
  seed: number,
  options: GripperExpertOptions = {},
): { ticks: number; success: boolean } {
  environment.reset(seed);
  let ticks = 0;
  for (const { action } of gripperExpertActions(environment, { seed, ...options })) {
    ticks++;
    if (environment.step(action).success) return { ticks, success: true };
  }
  return { ticks, success: false };
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
