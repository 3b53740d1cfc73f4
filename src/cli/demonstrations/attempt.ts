import { EnvironmentLostError } from '../../envs/environment.js';
import { type Demonstration, type Demonstrator, recordDemonstration } from '../../envs/mujoco/demonstration.js';
import { WarmstepError } from '../../foundation/errors.js';
import { printNote } from '../../terminal/output.js';

/**
 * The demonstration of a seed. Undefined where expert or physics gave up; that is told.
 * @throws EnvironmentLostError, which no seed is to blame for.
 */
export function attempt(demonstrator: Demonstrator, seed: number, pauses: boolean, maxTicks: number): Demonstration | undefined {
  try {
    return recordDemonstration(demonstrator, seed, pauses, maxTicks);
  } catch (error) {
    if (!(error instanceof WarmstepError) || error instanceof EnvironmentLostError) throw error;
    printNote(`seed ${seed}: ${error.message}`);
    return undefined;
  }
}
