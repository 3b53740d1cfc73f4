import type { CheckpointSource } from '../../checkpoints/source.js';
import type { PolicyOfTask, Task, TaskKind } from '../../envs/environment.js';
import { evaluate } from '../../evaluation/evaluate.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import { NonFiniteError, WarmstepError } from '../../foundation/errors.js';
import { loadPolicy } from '../../platform/node/load-policy.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { PRIOR_NEED } from '../../strategies/bridger.js';
import { createStrategy, strategyNamed } from '../../strategies/index.js';
import { networkNeedOf } from '../../strategies/network-needs.js';
import { WARM_NEED } from '../../strategies/network-runs.js';
import { parseStrategy } from '../../strategies/parse.js';
import { inSpecWords } from '../../strategies/spec-words.js';
import { type NetworkNeed, type PredictorKind, predictorWords, type StrategyContext, suitsPredictor } from '../../strategies/strategy.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { integerOption, UsageError } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import type { Progress } from '../../terminal/progress.js';
import { failureNote } from '../eval/results.js';
import { FIRST_SEED, MOST_PARALLEL } from '../eval/seeds.js';
import { chosenTask } from '../eval/tasks.js';
import type { TrainValues } from './options.js';

/** An evaluation in a simulator, asked for on the command line. */
export interface ClosedLoop {
  readonly kind: TaskKind;
  readonly strategy: NamedStrategy;
  readonly episodes: number;
}

/** Undefined where no task was named. */
export function closedLoopOption(values: TrainValues, defaultStrategy: string): ClosedLoop | undefined {
  if (values.task === undefined) return undefined;
  return {
    kind: chosenTask('--task', values.task),
    strategy: parseStrategy(values.strategy ?? defaultStrategy),
    episodes: integerOption('episodes', values.episodes, 1, 10_000) ?? 10,
  };
}

/**
 * Whether what is to be trained can be evaluated so: hours later is too late. `policy`: by what it reads and gives; `predictor`: the kind of what the
 * result has beside it.
 * @throws OptionError, UsageError.
 */
export function checkClosedLoop(
  { kind, strategy }: ClosedLoop,
  policy: PolicyOfTask,
  context: StrategyContext,
  predictor: PredictorKind | 'none',
): void {
  kind.forPolicy(policy);
  const method = networkNeedOf(strategy.options.name);
  if (method) throw unsuited(strategy, `a network of type "${method.network}" ${method.why}`, 'none');
  const { needs } = inSpecWords(strategy, () => createStrategy(strategy.options, context));
  for (const need of needs) checkNeed(strategy, need, predictor);
}

/**
 * The same of the strategy that runs what is trained, whose network is not there yet: its options, beside what the `context` knows of that network, and what
 * they ask for besides.
 * @throws OptionError, UsageError.
 */
export function checkOwnStrategy(
  { kind, strategy }: ClosedLoop,
  policy: PolicyOfTask,
  context: StrategyContext,
  predictor: PredictorKind | 'none',
): void {
  kind.forPolicy(policy);
  const { options } = strategy;
  inSpecWords(strategy, () => strategyNamed(options.name)?.check(options, context));
  // Options that do not go together are told before what they ask for, where the network is known.
  if (Object.keys(context.methods ?? {}).length > 0) inSpecWords(strategy, () => createStrategy(options, context));
  if ('warm' in options && options.warm === true) checkNeed(strategy, WARM_NEED, predictor);
  if (options.name === 'BRIDGER' && options.prior === 'cvae') checkNeed(strategy, PRIOR_NEED, predictor);
}

function checkNeed(strategy: NamedStrategy, need: NetworkNeed, predictor: PredictorKind | 'none'): void {
  if (suitsPredictor(need, predictor)) return;
  const { needed, found } = predictorWords(need, predictor);
  throw unsuited(strategy, `${needed} ${need.why}`, found);
}

function unsuited({ name }: NamedStrategy, needed: string, found: string): UsageError {
  return new UsageError(`--strategy: ${name} needs ${needed}, what is trained has ${found}: give another strategy`);
}

/** What a result is run with: the policy, and what was trained for it. */
export interface ResultNetworks {
  readonly policy: CheckpointSource | string;
  readonly predictor?: CheckpointSource | string;
  readonly methods?: CheckpointSource;
}

/**
 * Runs a policy over the first seeds of a task; figures are the mean score and the share of episodes that succeeded.
 * @throws as closedLoopFigures().
 */
export async function runClosedLoop(
  { kind, strategy, episodes }: ClosedLoop,
  { policy: source, ...networks }: ResultNetworks,
  { device, signal, progress }: { readonly device: ComputeDevice; readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Record<string, number>> {
  const given = Object.keys(networks).length === 0 ? {} : { networks };
  const policy = await loadPolicy(source, { device, strategy: strategy.options, signal, ...given });
  try {
    const { name, observations, actionDim } = policy.info;
    const task: Task = kind.forPolicy({ name, observations, actionDim });
    let over = 0;
    const records = await evaluate(policy, {
      task,
      strategy,
      seeds: Array.from({ length: episodes }, (_, i) => FIRST_SEED + i),
      parallel: Math.min(episodes, MOST_PARALLEL),
      signal,
      onEpisode: () => void over++,
      onRound: () => progress.update(`${task.name}: ${over} of ${episodes} episodes`),
    });
    progress.done();
    return closedLoopFigures(task.name, records);
  } finally {
    await policy.dispose();
  }
}

/**
 * Means over all episodes, at least one; those that failed count with what they reached, and a note says how many they are.
 * @throws NonFiniteError, WarmstepError where all of them failed: the means would be of nothing.
 */
export function closedLoopFigures(task: string, records: readonly EpisodeRecord[]): Record<string, number> {
  const note = failureNote(task, records);
  if (records.every(({ failure }) => failure !== undefined)) {
    // The training behind it has more to say of weights that are too large.
    if (records[0]?.failure?.startsWith(`${NonFiniteError.name}: `)) throw new NonFiniteError(`${note}`);
    throw new WarmstepError(`${note}`);
  }
  if (note !== undefined) printNote(note);
  const mean = (of: (record: EpisodeRecord) => number): number => records.reduce((sum, record) => sum + of(record), 0) / records.length;
  return { [`${task} score`]: mean(({ score }) => score), [`${task} success`]: mean(({ success }) => (success ? 1 : 0)) };
}
