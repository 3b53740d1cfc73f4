import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../checkpoints/source.js';
import type { Task } from '../../envs/environment.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import { recordDemonstration } from '../../envs/mujoco/demonstration.js';
import { localSimulations } from '../../envs/mujoco/local.js';
import { startMujoco } from '../../envs/mujoco/module.js';
import { type SimulatedTask, simulatedTaskKind } from '../../envs/mujoco/task.js';
import { parseSimulatedTask } from '../../envs/simulated-tasks.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import { readDemonstrations } from '../../mixture/demonstrations.js';
import { type KernelPolicy, kernelPolicy } from '../../mixture/kernel-policy.js';
import { packageInfo } from '../../platform/node/environment.js';
import type { Decision } from '../../policy/policy.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import { Progress } from '../../terminal/progress.js';
import { demonstrationTensors } from '../demonstrations/tensors.js';
import { checkMujoco, importMujoco } from '../simulation/mujoco.js';
import type { TerminalStream } from '../watch/terminal-view.js';
import { watchEpisode } from '../watch/watch-episode.js';

const TASK = 'so101-pick-place';
const DEMONSTRATIONS = 8;

/** The paper's values for robots: the prediction as it is, so that nothing but the rule brings noise. */
const UNPERTURBED: StrategyOptions = { name: 'STEP', warmStart: { mode: 'eq13', sigma: 1, sigmaT: 0 } };
const PERTURBED: StrategyOptions = { ...UNPERTURBED, stall: { sigmaStall: 1.2 } };

/** Chunks nearer than this to the one before, RMS of normalised values, are a standstill; so many in a row, and nothing will end it. */
const STILL = 0.01;
const STILL_DECISIONS = 12;

/** What the demonstration came to. */
export interface StallDemo {
  readonly seed: number;
  /** Without perturbation: up to where the arm would stay for good, or to the end. */
  readonly stuck: EpisodeRecord;
  /** Whether it was cut because the arm stood still. */
  readonly isStuck: boolean;
  readonly freed: EpisodeRecord;
}

/**
 * Lets the expert of an SO-101 demonstrate with pauses, makes a policy of that, and plays one episode twice: as it is, until the arm stands
 * still, and with STEP's perturbation. Needs MuJoCo, and no device. @throws SetupError where MuJoCo is not installed; as `watchEpisode`.
 */
export async function showStall(seed: number, stream: TerminalStream, signal: AbortSignal): Promise<StallDemo> {
  checkMujoco(TASK);
  const simulated = parseSimulatedTask(TASK) as SimulatedTask;
  const policy = await demonstratedPolicy(simulated, signal);
  const task = simulatedTaskKind(simulated, localSimulations(TASK, importMujoco)).forPolicy(policy.info);
  const stillness = new Stillness();
  const stuck = await watch(policy, task, UNPERTURBED, seed, stream, signal, stillness);
  const freed = await watch(policy, task, PERTURBED, seed, stream, signal);
  return { seed, stuck, isStuck: stillness.isLasting, freed };
}

function watch(
  policy: KernelPolicy,
  task: Task,
  strategy: StrategyOptions,
  seed: number,
  stream: TerminalStream,
  signal: AbortSignal,
  stillness?: Stillness,
): Promise<EpisodeRecord> {
  const cut = stillness && {
    isEnough: () => stillness.isLasting,
    onDecision: (decision: Decision) => stillness.take(decision),
  };
  return watchEpisode(policy, task, seed, stream, signal, { strategy, ...cut });
}

/** Whether decisions have been the same for long. */
class Stillness {
  #last: Float32Array | undefined;
  #count = 0;

  get isLasting(): boolean {
    return this.#count >= STILL_DECISIONS;
  }

  take({ normalizedChunk: chunk }: Decision): void {
    const last = this.#last;
    const squares = last ? chunk.reduce((sum, value, i) => sum + (value - (last[i] as number)) ** 2, 0) / chunk.length : Infinity;
    this.#count = Math.sqrt(squares) < STILL ? this.#count + 1 : 0;
    this.#last = chunk;
  }
}

async function demonstratedPolicy(task: SimulatedTask, signal: AbortSignal): Promise<KernelPolicy> {
  const progress = new Progress();
  progress.phase('starting MuJoCo');
  const demonstrator = task.demonstrations.create(await startMujoco('demo', importMujoco));
  const episodes: Demonstration[] = [];
  try {
    for (let seed = 0; seed < DEMONSTRATIONS; seed++) {
      progress.update(`the expert demonstrates: episode ${seed + 1} of ${DEMONSTRATIONS}`);
      episodes.push(recordDemonstration(demonstrator, seed, true, task.maxTicks));
      // Lets an interruption through.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  } finally {
    progress.done();
    demonstrator.environment.close();
  }
  const bytes = demonstrationTensors(
    task,
    episodes.filter(({ success }) => success),
    { pauses: true, version: packageInfo().version },
  );
  const file = await memorySource(task.name, { demonstrations: bytes }).open('demonstrations');
  return kernelPolicy(await readDemonstrations(await SafetensorsFile.open(file)));
}
