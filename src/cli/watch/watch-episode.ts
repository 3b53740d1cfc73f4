import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../../envs/environment.js';
import type { EvaluatedPolicy } from '../../evaluation/evaluated-policy.js';
import { playEpisode } from '../../evaluation/play.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import type { Rollout } from '../../evaluation/rollout.js';
import { OptionError } from '../../foundation/errors.js';
import type { Decision } from '../../policy/policy.js';
import { milliseconds } from '../../terminal/format.js';
import { type TerminalStream, TerminalView } from './terminal-view.js';

/**
 * Shows one episode in the terminal while it happens, at the speed of the task or, where decisions take longer, slower.
 * @throws OptionError for a task without a picture; and as `playEpisode`.
 */
export async function watchEpisode(
  policy: EvaluatedPolicy,
  task: Task,
  seed: number,
  stream: TerminalStream,
  signal: AbortSignal,
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
      onTick: async (rollout, decision) => {
        view.show(picture(rollout.snapshot), caption(policy, task, rollout, decision));
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
  policy: EvaluatedPolicy,
  { maxTicks, scene }: Task,
  { seed, ticks, reward }: Rollout,
  { latencyMs, evaluations, warm }: Decision,
): string[] {
  return [
    `${policy.info.strategy}, seed ${seed}`,
    `tick ${String(ticks).padStart(3)} of ${maxTicks}   ${scene.describeReward(reward)}   ` +
      `decision ${milliseconds(latencyMs)}, ${warm ? 'from the prediction' : 'from noise'}, ${evaluations} evaluations`,
  ];
}
