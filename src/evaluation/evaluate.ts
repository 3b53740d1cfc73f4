import type { Task } from '../envs/environment.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { checkCallbacks, checkInteger, checkKeys, checkList, checkNumber, checkSignal, keysOf } from '../foundation/options.js';
import type { NamedStrategy } from '../strategies/strategy-options.js';
import { checkPolicy, checkStrategy, checkTask } from './check.js';
import type { EvaluatedPolicy } from './evaluated-policy.js';
import type { EpisodeRecord } from './record.js';
import { Rollout } from './rollout.js';

export interface EvaluateOptions {
  readonly task: Task;
  readonly strategy: NamedStrategy;
  /** Seeds of the episodes that are still to be run. A seed fixes the environment and the noise. */
  readonly seeds: readonly number[];
  /** Episodes that run side by side, as one batch. */
  readonly parallel: number;
  /** Whether the replay of a seed is kept. Default: none. */
  readonly keepReplay?: (seed: number) => boolean;
  /** Called as soon as an episode is over, in the order in which they end. */
  readonly onEpisode?: (record: EpisodeRecord) => void | Promise<void>;
  /** Called after every round of decisions, with what goes on. */
  readonly onRound?: (running: readonly Rollout[]) => void;
  /** How long an environment may take for a reset or a step. Default 30 s. */
  readonly stepTimeoutMs?: number;
  /** Ends the evaluation between two rounds; what is over by then has been handed to `onEpisode`. */
  readonly signal?: AbortSignalLike;
}

const WHERE = 'evaluate';
const KEYS = keysOf<EvaluateOptions>({
  task: true,
  strategy: true,
  seeds: true,
  parallel: true,
  keepReplay: true,
  onEpisode: true,
  onRound: true,
  stepTimeoutMs: true,
  signal: true,
});

/**
 * Runs one strategy in closed loop over seeds. An episode's numbers depend on its seed and on nothing else: not on the
 * batch, nor on which other episodes are run, so that an evaluation can be cut and gone on with anywhere. An observation that the policy
 * refuses, a network that is not finite, or an environment that fails, ends its own episode and no other.
 * @throws OptionError for a `parallel` below 1, DeviceLostError, EnvironmentLostError, and the reason of `signal`.
 */
export async function evaluate(policy: EvaluatedPolicy, options: EvaluateOptions): Promise<EpisodeRecord[]> {
  checkPolicy(WHERE, policy);
  checkKeys(WHERE, options, KEYS);
  const { task, strategy, seeds, parallel, keepReplay, stepTimeoutMs } = options;
  checkTask(WHERE, task);
  checkStrategy(WHERE, strategy);
  checkList(WHERE, 'seeds', seeds, (seed) => checkInteger(WHERE, 'a seed', seed, 0, Number.MAX_SAFE_INTEGER));
  checkInteger(WHERE, 'parallel', parallel, 1, Number.MAX_SAFE_INTEGER);
  if (stepTimeoutMs !== undefined) {
    checkNumber(WHERE, 'stepTimeoutMs', stepTimeoutMs, 'a number of milliseconds above 0', (ms) => ms > 0);
  }
  checkCallbacks(WHERE, options, ['keepReplay', 'onEpisode', 'onRound']);
  checkSignal(WHERE, options.signal);
  const waiting = [...seeds];
  const records: EpisodeRecord[] = [];
  let running: Rollout[] = [];
  // Environments to be given back, also where this ends early.
  const open = new Set<Rollout>();
  const recordOver = async (): Promise<void> => {
    for (const rollout of running.filter(({ isOver }) => isOver)) {
      const record = rollout.record();
      rollout.close();
      open.delete(rollout);
      records.push(record);
      await options.onEpisode?.(record);
    }
    running = running.filter(({ isOver }) => !isOver);
  };
  // What is over is handed over also where an environment beside it was lost, which ends the evaluation, and is what it ends with.
  const thenRecord = async (round: Promise<void>): Promise<void> => {
    try {
      await round;
    } catch (error) {
      await recordOver().catch(() => {});
      throw error;
    }
    await recordOver();
  };
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const begun = waiting.splice(0, parallel - running.length).map((seed) => {
        const episode = policy.beginEpisode({ strategy: strategy.options, seed });
        const timeout = stepTimeoutMs === undefined ? {} : { stepTimeoutMs };
        return new Rollout(episode, policy.info, { task, seed, keepReplay: keepReplay?.(seed) ?? false, ...timeout });
      });
      for (const rollout of begun) open.add(rollout);
      running.push(...begun);
      await thenRecord(allOver(begun.map((rollout) => rollout.begin())));
      if (running.length === 0 && waiting.length === 0) break;
      await thenRecord(decideAndExecute(policy, running));
      options.onRound?.(running);
    }
  } finally {
    for (const rollout of open) rollout.close();
  }
  return records.sort((a, b) => a.seed - b.seed);
}

async function decideAndExecute(policy: EvaluatedPolicy, rollouts: readonly Rollout[]): Promise<void> {
  const decided = await policy.decideAllSettled(rollouts.map(({ episode, window }) => ({ episode, window })));
  await allOver(
    decided.map(async (result, i) => {
      const rollout = rollouts[i] as Rollout;
      if (result.status === 'fulfilled') await rollout.execute(result.value);
      else rollout.failDecision(result.reason);
    }),
  );
}

/** Waits for all of them, so that none goes on behind whoever closes its environment. @throws the first error. */
async function allOver(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
