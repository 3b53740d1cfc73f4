import type { CheckpointSource } from '../../checkpoints/source.js';
import type { PolicyOfTask, Task, TaskKind } from '../../envs/environment.js';
import { evaluate } from '../../evaluation/evaluate.js';
import { loadPolicy } from '../../platform/node/load-policy.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { createStrategy } from '../../strategies/index.js';
import { parseStrategy } from '../../strategies/parse.js';
import { type PredictorKind, predictorWords, type StrategyContext, suitsPredictor } from '../../strategies/strategy.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { integerOption, UsageError } from '../../terminal/options.js';
import type { Progress } from '../../terminal/progress.js';
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
 * @throws OptionError.
 */
export function checkClosedLoop(
  { kind, strategy }: ClosedLoop,
  policy: PolicyOfTask,
  context: StrategyContext,
  predictor: PredictorKind | 'none',
): void {
  kind.forPolicy(policy);
  const need = createStrategy(strategy.options, context).needs.find(({ network }) => network === 'predictor');
  if (!need || suitsPredictor(need, predictor)) return;
  const { needed, found } = predictorWords(need, predictor);
  throw new UsageError(`--strategy: ${strategy.name} needs ${needed} ${need.why}, what is trained has ${found}: give another strategy`);
}

/** What a result is run with: the policy, and what was trained for it. */
export interface ResultNetworks {
  readonly policy: CheckpointSource | string;
  readonly predictor?: CheckpointSource | string;
  readonly methods?: CheckpointSource;
}

/** Runs a policy over the first seeds of a task; figures are the mean score and the share of episodes that succeeded. */
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
    const mean = (of: (record: (typeof records)[number]) => number): number =>
      records.reduce((sum, record) => sum + of(record), 0) / records.length;
    return { [`${task.name} score`]: mean(({ score }) => score), [`${task.name} success`]: mean(({ success }) => (success ? 1 : 0)) };
  } finally {
    await policy.dispose();
  }
}
