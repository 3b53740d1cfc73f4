import { loadMethodCheckpoint } from '../checkpoints/methods/read-method.js';
import { loadStartCheckpoint } from '../checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { PolicyOfTask, Task, TaskKind } from '../envs/environment.js';
import { OptionError } from '../foundation/errors.js';
import { folderSource } from '../platform/node/folder-source.js';
import { observedBy } from '../policy/placement.js';
import { type GivenMethods, type MethodConfig, type MethodType, methodsByType } from '../spec/method-networks.js';
import { observationInfo } from '../spec/policy-spec.js';
import { createStrategy } from '../strategies/index.js';
import { inSpecWords } from '../strategies/spec-words.js';
import {
  type NetworkNeed,
  type PredictorKind,
  predictorWords,
  type Strategy,
  strategyContext,
  suitsPredictor,
} from '../strategies/strategy.js';
import type { NamedStrategy, StrategyOptions } from '../strategies/strategy-options.js';
import { printNote } from '../terminal/output.js';

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
export function taskFor(kind: TaskKind, policy: PolicyCheckpoint): Task {
  return kind.forPolicy(policyOfTask(policy));
}

/** What a task asks about a policy. */
export function policyOfTask({ name, observations, unet }: PolicyCheckpoint): PolicyOfTask {
  return { name, observations: observationInfo(observations), actionDim: unet.actionDim };
}

/** How decisions are sampled where a command line does not say: by STEP where there is a predictor, else by the checkpoint's scheduler. */
export function usualStrategy({ scheduler }: PolicyCheckpoint, predictor: string | undefined): NamedStrategy {
  const options: StrategyOptions = { name: predictor === undefined ? scheduler.type : 'STEP' };
  return { name: options.name, options };
}

/** A strategy of a policy that is not loaded yet. @throws OptionError in the words of its spec. */
export function madeStrategy(policy: PolicyCheckpoint, strategy: NamedStrategy, methods: GivenMethods = {}): Strategy {
  return inSpecWords(strategy, () => createStrategy(strategy.options, strategyContext(policy, methods)));
}

/** Says of networks that the command line names and none of the strategies asks for that they are not used, a line each. `needed`: of `checkStrategies`. */
export function noteUnused(
  strategies: readonly NamedStrategy[],
  needed: ReadonlySet<NetworkNeed['network']>,
  { predictor, methods }: { readonly predictor: string | undefined; readonly methods: GivenMethods },
): void {
  const [first, ...others] = strategies;
  const who = others.length === 0 ? `${first?.name} needs no` : 'none of the strategies needs a';
  if (predictor !== undefined && !needed.has('predictor')) printNote(`${who} predictor: --predictor is not used.`);
  for (const type of Object.keys(methods) as MethodType[]) {
    if (!needed.has(type)) printNote(`${who} network of type "${type}": the --network of this type is not used.`);
  }
}

/**
 * Makes the strategies for a policy that is not loaded yet, to see that they can be, and returns the networks that they ask for. `predictor`: its folder,
 * or "shift".
 * @throws OptionError as the policy would, in the words of a spec; CheckpointError for such a folder, which is read where its kind matters.
 */
export async function checkStrategies(
  policy: PolicyCheckpoint,
  predictor: string | undefined,
  strategies: readonly NamedStrategy[],
  methods: GivenMethods = {},
): Promise<ReadonlySet<NetworkNeed['network']>> {
  const all = new Set<NetworkNeed['network']>();
  for (const strategy of strategies) {
    // A strategy without the network of its method is not even made.
    const { needs } = madeStrategy(policy, strategy, methods);
    for (const { network } of needs) all.add(network);
    const need = needs.find(({ network }) => network === 'predictor');
    // Of most strategies any will do: its folder need not be read.
    if (!need || (predictor !== undefined && need.kind === undefined)) continue;
    const kind = await predictorKind(policy, predictor);
    if (suitsPredictor(need, kind)) continue;
    const { needed, found } = predictorWords(need, kind);
    const given = need.kind === undefined ? '--predictor with a folder, or with "shift"' : `--predictor with ${need.given}`;
    throw new OptionError(`strategy ${strategy.options.name} needs ${needed} ${need.why}, found ${found}: give ${given}.`);
  }
  return all;
}

/** Of a folder that is not loaded yet: what it declares. @throws CheckpointError. */
async function predictorKind(policy: PolicyCheckpoint, predictor: string | undefined): Promise<PredictorKind | 'none'> {
  if (predictor === undefined) return 'none';
  if (predictor === 'shift') return 'shift';
  const { kind, close } = await loadStartCheckpoint(await folderSource(predictor), {}, observedBy(policy));
  await close();
  return kind === 'cvae' ? 'cvae' : 'network';
}
