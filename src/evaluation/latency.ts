import type { Task } from '../envs/environment.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { checkInteger, checkKeys, checkNumber, checkSignal, keysOf } from '../foundation/options.js';
import type { Decision } from '../policy/policy.js';
import type { NamedStrategy } from '../strategies/strategy-options.js';
import { checkPolicy, checkStrategy, checkTask } from './check.js';
import type { EvaluatedPolicy } from './evaluated-policy.js';
import { playEpisode } from './play.js';
import type { LatencyRecord } from './record.js';

export interface LatencyOptions {
  readonly task: Task;
  readonly strategy: NamedStrategy;
  readonly seed: number;
  /** Decisions after the first of an episode that are wanted. */
  readonly decisions: number;
  /** Time after which no more are begun, where there are a few, in milliseconds. */
  readonly budgetMs: number;
  readonly signal?: AbortSignalLike;
}

export interface Latencies {
  readonly latency: LatencyRecord;
  /** Present where the strategy samples first decisions differently. */
  readonly coldLatency?: LatencyRecord;
}

const WHERE = 'measureLatency';
const KEYS = keysOf<LatencyOptions>({ task: true, strategy: true, seed: true, decisions: true, budgetMs: true, signal: true });

/** Fewer samples of a kind say nothing about a median. */
const LEAST = 3;

/**
 * Latency of single decisions, as a control loop sees them: batch 1, one after the other, in closed loop, from the call to
 * the actions in JavaScript. The first decision of each kind is left out: it may compile something. Episodes that fail end
 * early here too; where they bring no decisions, there are no samples.
 * @throws as `playEpisode`.
 */
export async function measureLatency(policy: EvaluatedPolicy, options: LatencyOptions): Promise<Latencies> {
  checkPolicy(WHERE, policy);
  checkKeys(WHERE, options, KEYS);
  const { task, strategy, seed, decisions, budgetMs, signal } = options;
  checkTask(WHERE, task);
  checkStrategy(WHERE, strategy);
  checkInteger(WHERE, 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(WHERE, 'decisions', decisions, 0, Number.MAX_SAFE_INTEGER);
  checkNumber(WHERE, 'budgetMs', budgetMs, 'a number of milliseconds of at least 0', (ms) => ms >= 0);
  checkSignal(WHERE, signal);
  const first: Decision[] = [];
  const later: Decision[] = [];
  const started = performance.now();
  const isDone = (): boolean => later.length > LEAST && (later.length > decisions || performance.now() - started > budgetMs);
  // First decisions are rare: the first few episodes are cut after their second one.
  for (let episode = 0; episode <= LEAST || !isDone(); episode++) {
    const before = later.length;
    const isDoneHere = episode <= LEAST ? (made: number): boolean => made === 2 : isDone;
    await playEpisode(policy, {
      task,
      strategy: strategy.options,
      seed: seed + episode,
      isEnough: isDoneHere,
      onDecision: (decision, { index }) => void (index === 0 ? first : later).push(decision),
      ...(signal ? { signal } : {}),
    });
    // Another one would not bring any either.
    if (episode > LEAST && later.length === before) break;
  }
  const isColdFirst = first.some(({ warm }) => !warm) && later.some(({ warm }) => warm);
  const record = (results: readonly Decision[]): LatencyRecord => ({
    samplesMs: results.slice(1).map(({ latencyMs }) => Number(latencyMs.toFixed(3))),
  });
  return isColdFirst ? { latency: record(later), coldLatency: record(first) } : { latency: record([...first, ...later]) };
}
