import { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Task, TaskKind } from '../envs/environment.js';
import { OptionError } from '../foundation/errors.js';
import { folderSource } from '../platform/node/folder-source.js';
import { observationInfo } from '../spec/policy-spec.js';
import { createStrategy } from '../strategies/index.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';

/** What a policy declares, without its weights: a wrong command line is reported before they are read. */
export async function readHeaders(folder: string): Promise<PolicyCheckpoint> {
  const checkpoint = await loadPolicyCheckpoint(await folderSource(folder));
  await checkpoint.close();
  return checkpoint;
}

/** The task with what a policy reads that is not loaded yet. @throws OptionError for a policy of something else. */
export function taskFor(kind: TaskKind, { name, observations, unet }: PolicyCheckpoint): Task {
  return kind.forPolicy({ name, observations: observationInfo(observations), actionDim: unet.actionDim });
}

/**
 * Makes the strategies for a policy that is not loaded yet, to see that they can be.
 * @throws OptionError as the policy would.
 */
export function checkStrategies(policy: PolicyCheckpoint, hasPredictor: boolean, strategies: readonly StrategyOptions[]): void {
  const { scheduler, unet, observationSteps, actionSteps } = policy;
  const context = { scheduler, horizon: unet.horizon, actionDim: unet.actionDim, observationSteps, actionSteps };
  for (const options of strategies) {
    const [need] = createStrategy(options, context).needs;
    if (need && !hasPredictor) {
      throw new OptionError(
        `strategy ${options.name} needs a ${need.network} ${need.why}, found none: give --predictor with a folder, or with "shift".`,
      );
    }
  }
}
