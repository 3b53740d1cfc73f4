import { loadMethodCheckpoint } from '../checkpoints/methods/read-method.js';
import { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Task, TaskKind } from '../envs/environment.js';
import { OptionError } from '../foundation/errors.js';
import { folderSource } from '../platform/node/folder-source.js';
import { type GivenMethods, type MethodConfig, methodsByType } from '../spec/method-networks.js';
import { observationInfo } from '../spec/policy-spec.js';
import { createStrategy } from '../strategies/index.js';
import { strategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';

/** What a policy declares, without its weights: a wrong command line is reported before they are read. */
export async function readHeaders(folder: string): Promise<PolicyCheckpoint> {
  const checkpoint = await loadPolicyCheckpoint(await folderSource(folder));
  await checkpoint.close();
  return checkpoint;
}

/** What the networks of methods declare, likewise. */
export async function readMethods(folders: readonly string[]): Promise<GivenMethods> {
  const configs: MethodConfig[] = [];
  for (const folder of folders) {
    const { config, close } = await loadMethodCheckpoint(await folderSource(folder));
    await close();
    configs.push(config);
  }
  return methodsByType(configs);
}

/** The task with what a policy reads that is not loaded yet. @throws OptionError for a policy of something else. */
export function taskFor(kind: TaskKind, { name, observations, unet }: PolicyCheckpoint): Task {
  return kind.forPolicy({ name, observations: observationInfo(observations), actionDim: unet.actionDim });
}

/**
 * Makes the strategies for a policy that is not loaded yet, to see that they can be.
 * @throws OptionError as the policy would.
 */
export function checkStrategies(
  policy: PolicyCheckpoint,
  hasPredictor: boolean,
  strategies: readonly StrategyOptions[],
  methods: GivenMethods = {},
): void {
  const context = strategyContext(policy, methods);
  for (const options of strategies) {
    // A strategy without the network of its method is not even made.
    const missing = createStrategy(options, context).needs.find(({ network }) => network === 'predictor');
    if (missing && !hasPredictor) {
      throw new OptionError(
        `strategy ${options.name} needs a predictor ${missing.why}, found none: give --predictor with a folder, or with "shift".`,
      );
    }
  }
}
