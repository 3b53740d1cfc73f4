import { setTimeout as sleep } from 'node:timers/promises';
import { drawPicture } from '../../envs/push-t/picture.js';
import { PUSH_T_MAX_STEPS, SUCCESS_COVERAGE } from '../../envs/push-t/push-t.js';
import { pushTTask } from '../../envs/push-t/task.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import { Rollout } from '../../evaluation/rollout.js';
import type { Decision, Policy } from '../../policy/policy.js';
import { milliseconds } from '../../terminal/format.js';
import { type TerminalStream, TerminalView } from './terminal-view.js';

/** Push-T is controlled ten times a second. */
const TICK_MS = 100;

/** Shows one episode in the terminal while it happens, at the speed of the task or, where decisions take longer, slower. */
export async function watchEpisode(policy: Policy, seed: number, stream: TerminalStream, signal: AbortSignal): Promise<EpisodeRecord> {
  const episode = policy.beginEpisode({ seed });
  const task = pushTTask(policy.info);
  const rollout = new Rollout(episode, policy.info, { task, seed, keepReplay: false });
  const view = new TerminalView(stream);
  try {
    await rollout.begin();
    let due = performance.now();
    while (!rollout.isOver) {
      const [decision] = (await policy.decideAll([{ episode, window: rollout.window }])) as [Decision];
      await rollout.execute(decision, async () => {
        signal.throwIfAborted();
        view.show(pictureOf(rollout), caption(policy, rollout, decision));
        due = Math.max(performance.now(), due + TICK_MS);
        if (stream.isTTY) await sleep(Math.max(0, due - performance.now()));
      });
    }
  } finally {
    view.end();
  }
  return rollout.record();
}

function pictureOf({ snapshot }: Rollout): Uint8Array {
  const [agentX = 0, agentY = 0, blockX = 0, blockY = 0, angle = 0] = snapshot;
  return drawPicture({ agentX, agentY, blockX, blockY, angle });
}

function caption(policy: Policy, { seed, ticks, reward }: Rollout, { latencyMs, evaluations, warm }: Decision): string[] {
  return [
    `${policy.info.strategy}, seed ${seed}`,
    `tick ${String(ticks).padStart(3)} of ${PUSH_T_MAX_STEPS}   coverage ${(reward * SUCCESS_COVERAGE).toFixed(2)}   ` +
      `decision ${milliseconds(latencyMs)}, ${warm ? 'from the prediction' : 'from noise'}, ${evaluations} evaluations`,
  ];
}
