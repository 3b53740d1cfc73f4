import { EnvironmentLostError, type Task } from '../../envs/environment.js';
import { evaluate } from '../../evaluation/evaluate.js';
import type { EvaluatedPolicy } from '../../evaluation/evaluated-policy.js';
import type { JournalHeader } from '../../evaluation/journal.js';
import { measureLatency } from '../../evaluation/latency.js';
import type {
  EpisodeRecord,
  EvaluationRecord,
  LeftOutStrategy,
  RecordShard,
  StrategyGrid,
  StrategyRecord,
} from '../../evaluation/record.js';
import { seedsOf, WHOLE } from '../../evaluation/shards.js';
import { packageInfo } from '../../platform/node/environment.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { Interrupted } from '../../terminal/interrupt.js';
import { Progress } from '../../terminal/progress.js';
import type { JournalFile } from './journal-file.js';
import { progressLine } from './progress-bar.js';

/** What is evaluated, and how much of it. */
export interface EvaluationCampaign {
  readonly task: Task;
  readonly strategies: readonly NamedStrategy[];
  readonly grids: readonly StrategyGrid[];
  /** Strategies that were wanted and are not among them. */
  readonly leftOut?: readonly LeftOutStrategy[];
  /** What tells networks of methods from others, by their types, for the journal. Default: there are none. */
  readonly networks?: ReadonlyMap<string, string>;
  readonly seed: number;
  readonly episodes: number;
  /** The part that is run here; undefined for all. */
  readonly shard?: RecordShard | undefined;
  readonly parallel: number;
  /** Seeds whose replays are kept, of each strategy. */
  readonly replays: number;
  /** Decisions whose latency is measured, of each strategy; 0 for none. */
  readonly latencies: number;
  /** Time that the latencies of a strategy may take, in milliseconds. */
  readonly latencyBudgetMs: number;
}

/** A policy that a record can tell of. */
export interface RecordedPolicy extends EvaluatedPolicy {
  readonly info: EvaluatedPolicy['info'] & {
    readonly parameters: number;
    readonly predictor: string;
    readonly precision: EvaluationRecord['precision'];
    readonly adapter: { readonly description: string; readonly device: string; readonly isFallback: boolean };
  };
}

/** What a journal must agree on with an evaluation that goes on with it. */
export function journalHeader(task: Task, fingerprint: JournalHeader['fingerprint']): JournalHeader {
  const { name, maxTicks, simulator } = task;
  const facts = simulator === undefined ? fingerprint : { ...fingerprint, simulator };
  return { format: 'warmstep-evaluation-journal', version: 1, task: name, maxTicks, fingerprint: facts };
}

/** A strategy, and what it is for people; `denoiser`: the type of the network of a method that it runs, where it does. */
interface DescribedStrategy extends NamedStrategy {
  readonly description: string;
  readonly denoiser: string | undefined;
}

/** @throws OptionError for one that cannot be, before any was run. */
function describeStrategies(policy: RecordedPolicy, strategies: readonly NamedStrategy[]): DescribedStrategy[] {
  return strategies.map(({ name, options }) => {
    const { description, denoiser } = policy.beginEpisode({ strategy: options }).strategy;
    return { name, options, description, denoiser };
  });
}

/** Evaluates every strategy, tells how far it is, and keeps what is over in the journal. */
export async function runEvaluation(
  policy: RecordedPolicy,
  plan: EvaluationCampaign,
  journal: JournalFile | undefined,
  signal: AbortSignal,
): Promise<EvaluationRecord> {
  const described = describeStrategies(policy, plan.strategies);
  const progress = new Progress();
  try {
    const strategies: StrategyRecord[] = [];
    for (const strategy of described) {
      const episodes = await runEpisodes(policy, plan, strategy, journal, progress, signal);
      const cost = await policy.decisionCost?.(strategy.options);
      const { name, options, description } = strategy;
      strategies.push({ name, description, options, ...(cost ? { cost } : {}), episodes });
    }
    if (plan.latencies === 0) return evaluationRecord(policy, plan, strategies);
    const timed: StrategyRecord[] = [];
    for (const record of strategies) {
      progress.phase(`${record.name}  latency of single decisions`);
      const { task, seed, latencies: decisions, latencyBudgetMs: budgetMs } = plan;
      timed.push({ ...record, ...(await measureLatency(policy, { task, strategy: record, seed, decisions, budgetMs, signal })) });
    }
    return evaluationRecord(policy, plan, timed);
  } finally {
    progress.done();
  }
}

async function runEpisodes(
  policy: RecordedPolicy,
  plan: EvaluationCampaign,
  strategy: DescribedStrategy,
  journal: JournalFile | undefined,
  progress: Progress,
  signal: AbortSignal,
): Promise<EpisodeRecord[]> {
  const { task, parallel } = plan;
  const seeds = seedsOf(plan.seed, plan.episodes, plan.shard ?? WHOLE);
  const total = seeds.length;
  const keepReplay = (seed: number): boolean => seed - plan.seed < plan.replays;
  const network = plan.networks?.get(strategy.denoiser ?? '');
  const found = knownEpisodes(journal?.episodes(strategy.name, network) ?? new Map<number, EpisodeRecord>(), seeds, keepReplay);
  const missing = seeds.filter((seed) => !found.some((episode) => episode.seed === seed));
  const started = performance.now();
  let over = 0;
  progress.phase(progressLine(strategy.name, found.length, total, found.length / total, 0, 0));
  const made = await evaluate(policy, {
    task,
    strategy,
    seeds: missing,
    parallel,
    keepReplay,
    signal,
    onEpisode: (episode) => {
      over++;
      journal?.add(strategy.name, network, episode);
    },
    onRound: (running) => {
      const share = (over + running.reduce((sum, { ticks }) => sum + ticks / task.maxTicks, 0)) / total;
      const fraction = found.length / total + share;
      progress.update(progressLine(strategy.name, found.length + over, total, fraction, share, performance.now() - started));
    },
  });
  return [...found, ...made].sort((a, b) => a.seed - b.seed);
}

/** What need not be run again. The journal may be of a run that kept other replays: a replay that is missing cannot be made up. */
function knownEpisodes(
  known: ReadonlyMap<number, EpisodeRecord>,
  seeds: readonly number[],
  keepReplay: (seed: number) => boolean,
): EpisodeRecord[] {
  return seeds.flatMap((seed) => {
    const episode = known.get(seed);
    if (!episode) return [];
    if (keepReplay(seed)) return episode.replay ? [episode] : [];
    const { replay: _, ...rest } = episode;
    return [rest];
  });
}

function evaluationRecord(policy: RecordedPolicy, plan: EvaluationCampaign, strategies: readonly StrategyRecord[]): EvaluationRecord {
  const { name, parameters, predictor, precision, adapter } = policy.info;
  return {
    format: 'warmstep-evaluation',
    version: 1,
    task: plan.task.name,
    maxTicks: plan.task.maxTicks,
    ...(plan.task.simulator === undefined ? {} : { simulator: plan.task.simulator }),
    policy: { name, parameters, predictor: predictor === 'none' ? null : predictor },
    precision,
    adapter: { description: adapter.description || adapter.device || 'unnamed', isSoftware: adapter.isFallback },
    seed: plan.seed,
    episodes: plan.episodes,
    ...(plan.shard ? { shard: plan.shard } : {}),
    softwareVersion: packageInfo().version,
    date: dateOfRecord(),
    strategies,
    ...(plan.leftOut?.length ? { leftOut: plan.leftOut } : {}),
    grids: plan.grids.map(({ axes, cells }) => ({ axes, cells })),
  };
}

/** Now, or what `SOURCE_DATE_EPOCH` says (reproducible-builds.org: seconds since 1970), so that a record can be repeated to the byte. */
function dateOfRecord(): string {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  return new Date(epoch !== undefined && /^\d{1,12}$/.test(epoch) ? Number(epoch) * 1000 : Date.now()).toISOString();
}

/** What is told of an evaluation that did not come to its end. The same command would end by the same loss of environments. */
export function endNote(error: unknown, output: string): string {
  const what = error instanceof Interrupted ? 'interrupted' : 'ended by an error';
  const how =
    error instanceof EnvironmentLostError
      ? 'the same command with a smaller --parallel or --threads goes on.'
      : 'start the same command again to go on.';
  return `${what}; what is over is kept in ${output}: ${how}`;
}
