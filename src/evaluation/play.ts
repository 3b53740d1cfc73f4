import type { Task } from '../envs/environment.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { checkCallbacks, checkInteger, checkKeys, checkSignal, checkToggle, keysOf } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import type { Decision } from '../policy/policy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { checkPolicy, checkTask } from './check.js';
import type { EvaluatedPolicy } from './evaluated-policy.js';
import { Rollout } from './rollout.js';

/** Where an episode is when it asks for a decision. */
export interface DecisionMoment {
  /** Index of the decision within the episode. */
  readonly index: number;
  /** Control steps executed before it. */
  readonly tick: number;
  /** What it is made from: raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
}

export interface PlayOptions {
  readonly task: Task;
  /** Fixes the environment and the noise. */
  readonly seed: number;
  /** Default: the policy's. */
  readonly strategy?: StrategyOptions;
  /** Default false. */
  readonly keepReplay?: boolean;
  /** Ends the episode before a decision or after a tick; its reason is thrown. */
  readonly signal?: AbortSignalLike;
  /** Asked before every decision: whether those made are enough, though the episode is not over. */
  readonly isEnough?: (decisions: number) => boolean;
  /** Called before a decision is executed. What it throws ends the play. */
  readonly onDecision?: (decision: Decision, moment: DecisionMoment) => void;
  /** Called after each tick, and waited for. What it throws ends the play. */
  readonly onTick?: (rollout: Rollout, decision: Decision) => void | Promise<void>;
}

const WHERE = 'playEpisode';
const KEYS = keysOf<PlayOptions>({
  task: true,
  seed: true,
  strategy: true,
  keepReplay: true,
  signal: true,
  isEnough: true,
  onDecision: true,
  onTick: true,
});

/**
 * Plays one episode in closed loop, decision by decision, batch 1. An observation that the policy refuses, a network that is not finite, or an
 * environment that fails, ends the episode as a failure, which its record tells of.
 * @throws EnvironmentLostError; as `Policy.decideAll` for everything else; the reason of `signal`.
 */
export async function playEpisode(policy: EvaluatedPolicy, options: PlayOptions): Promise<Rollout> {
  checkPolicy(WHERE, policy);
  checkKeys(WHERE, options, KEYS);
  checkTask(WHERE, options.task);
  checkInteger(WHERE, 'seed', options.seed, 0, Number.MAX_SAFE_INTEGER);
  if (options.keepReplay !== undefined) checkToggle(WHERE, 'keepReplay', options.keepReplay);
  checkCallbacks(WHERE, options, ['isEnough', 'onDecision', 'onTick']);
  checkSignal(WHERE, options.signal);
  const { task, seed, strategy, keepReplay, signal, isEnough, onDecision, onTick } = options;
  const episode = policy.beginEpisode(strategy === undefined ? { seed } : { strategy, seed });
  const rollout = new Rollout(episode, policy.info, keepReplay === undefined ? { task, seed } : { task, seed, keepReplay });
  try {
    await rollout.begin();
    while (!rollout.isOver && !isEnough?.(episode.decisions)) {
      signal?.throwIfAborted();
      const moment = { index: episode.decisions, tick: rollout.ticks, window: rollout.window };
      const decision = await decideAlone(policy, rollout, moment.window);
      if (!decision) break;
      onDecision?.(decision, moment);
      await rollout.execute(decision, async () => {
        signal?.throwIfAborted();
        await onTick?.(rollout, decision);
      });
    }
  } finally {
    rollout.close();
  }
  return rollout;
}

/** Undefined where the observation was refused, or the network was not finite: the episode has then failed. */
async function decideAlone(policy: EvaluatedPolicy, rollout: Rollout, window: Observation): Promise<Decision | undefined> {
  try {
    return (await policy.decideAll([{ episode: rollout.episode, window }]))[0];
  } catch (error) {
    rollout.failDecision(error);
    return undefined;
  }
}
