import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../envs/environment.js';
import type { EvaluatedPolicy } from '../../evaluation/evaluated-policy.js';
import { type PlayOptions, playEpisode } from '../../evaluation/play.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import type { Rollout } from '../../evaluation/rollout.js';
import { OptionError } from '../../foundation/errors.js';
import type { Decision } from '../../policy/policy.js';
import { milliseconds } from '../../terminal/format.js';
import { type TerminalStream, TerminalView } from './terminal-view.js';

/**
 * Shows one episode in the terminal while it happens, at the speed of the task or, where decisions take longer, slower. `play`: another strategy
 * than the policy's, and when it is enough.
 * @throws OptionError for a task without a picture; and as `playEpisode`.
 */
export async function watchEpisode(
  policy: EvaluatedPolicy,
  task: Task,
  seed: number,
  stream: TerminalStream,
  signal: AbortSignal,
  play: Pick<PlayOptions, 'strategy' | 'isEnough' | 'onDecision'> = {},
): Promise<EpisodeRecord> {
  const { picture, tickRate } = task.scene;
  if (!picture)
    throw new OptionError(`the scene of task "${task.name}" must have a picture to be watched, found none: evaluate it instead`);
  const view = new TerminalView(stream);
  let due = performance.now();
  try {
    const rollout = await playEpisode(policy, {
      task,
      seed,
      signal,
      ...play,
      onTick: async (rollout, decision) => {
        view.show(picture(rollout.snapshot), caption(task, rollout, decision));
        due = Math.max(performance.now(), due + 1000 / tickRate);
        if (stream.isTTY) await sleep(Math.max(0, due - performance.now()));
      },
    });
    return rollout.record();
  } finally {
    view.end();
  }
}

function caption(
  { maxTicks, scene }: Task,
  { episode, seed, ticks, reward }: Rollout,
  { latencyMs, evaluations, warm, stalled }: Decision,
): string[] {
  return [
    `${episode.strategy.description}, seed ${seed}`,
    `tick ${String(ticks).padStart(3)} of ${maxTicks}   ${scene.describeReward(reward)}   ` +
      `decision ${milliseconds(latencyMs)}, ${stalled ? 'perturbed' : warm ? 'from the prediction' : 'from noise'}, ${evaluations} evaluations`,
  ];
}
