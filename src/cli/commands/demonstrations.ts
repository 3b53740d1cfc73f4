import { join } from 'node:path';
import { type DatasetSink, type WriteResult, writeLeRobotDataset } from '../../datasets/write/write-lerobot.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import { startMujoco } from '../../envs/mujoco/module.js';
import { SightReader } from '../../envs/mujoco/sight.js';
import { SimulationError } from '../../envs/mujoco/simulation.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';
import { parseSimulatedTask, SIMULATED_TASKS } from '../../envs/simulated-tasks.js';
import { visible } from '../../foundation/visible.js';
import { datasetSink } from '../../platform/node/dataset-sink.js';
import { packageInfo } from '../../platform/node/environment.js';
import { OutputError, writeOutputFile } from '../../platform/node/output-file.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { count, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, integerOption, UsageError } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { facts } from '../../terminal/table.js';
import type { Command } from '../command.js';
import { attempt } from '../demonstrations/attempt.js';
import { demonstrationDataset } from '../demonstrations/dataset.js';
import { type PictureChoice, picturesOption } from '../demonstrations/pictures.js';
import { demonstrationsReadme } from '../demonstrations/readme.js';
import { demonstrationTensors } from '../demonstrations/tensors.js';
import { lockFolder } from '../folder-lock.js';
import { outputFolderOption } from '../output-options.js';
import { checkMujoco, importMujoco } from '../simulation/mujoco.js';

const USAGE = `usage: warmstep demonstrations TASK [options]

Lets the scripted expert of a task (${SIMULATED_TASKS.join(', ')}) play episodes, and keeps those that
succeed: as one safetensors file, with all that is needed to draw them again, and as a LeRobot v3.0 data set, which warmstep train reads. Needs
the package @mujoco/mujoco, and no GPU. Options of a simulator follow behind the task's name, as for warmstep eval.

  --episodes N     successes that are kept (default 50)
  --seed N         first seed (default 0)
  --pictures       in lerobot/ what cameras saw, as PNG, in place of observation.environment_state; each is drawn when it is written
  --cameras LIST   which, between commas (default: top, and that of each wrist)
  --size HxW       of pictures, pixels (default 96x96)
  --pauses         hold still before descending, closing, lowering and releasing, for a third of a second to a second, as people do
  --output DIR     where they go (default demonstrations-TASK)
  --json           one JSON object on standard output`;

const OPTIONS = {
  episodes: { type: 'string' },
  seed: { type: 'string' },
  pauses: { type: 'boolean' },
  pictures: { type: 'boolean' },
  cameras: { type: 'string' },
  size: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const FILES = { tensors: 'demonstrations.safetensors', readme: 'README.md' } as const;
const LEROBOT = 'lerobot';
const MOST_EPISODES = 10_000;

export const demonstrationsCommand: Command = {
  name: 'demonstrations',
  summary: 'Let the scripted expert of a simulated task make a data set.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, { cameras: ['pictures'], size: ['pictures'] });
    const [name] = positionals;
    atMost(positionals, 1);
    const task = parseSimulatedTask(name ?? '');
    if (!task) throw new UsageError(`the task must be ${SIMULATED_TASKS.join(' or ')}, found ${name === undefined ? 'none' : `"${name}"`}`);
    const episodes = integerOption('episodes', values.episodes, 1, MOST_EPISODES) ?? 50;
    const seed = integerOption('seed', values.seed, 0, task.largestSeed - mostSeeds(episodes)) ?? 0;
    const choice = picturesOption(task, values);
    checkMujoco(task.name);
    const place = values.output ?? `demonstrations-${task.name.replaceAll('/', '-')}`;
    const output = await outputFolderOption('output', place, Object.values(FILES), { own: [FILES.tensors] });
    const pauses = values.pauses === true;
    const lock = lockFolder(output, 'demonstrating');
    try {
      const sink = await datasetSink(join(output, LEROBOT)).catch((error: unknown) => {
        throw error instanceof OutputError ? new UsageError(`--output: ${error.message}`) : error;
      });
      return await interruptible(async (signal) => {
        const { kept, failed } = await demonstrate(task, { episodes, seed, pauses }, signal);
        const provenance = { pauses, version: packageInfo().version };
        const written = await writeDataset(task, kept, choice, sink, signal);
        await writeOutputFile(join(output, FILES.tensors), demonstrationTensors(task, kept, provenance));
        await writeOutputFile(join(output, FILES.readme), demonstrationsReadme(task, kept, failed, provenance, choice));
        const lengths = kept.map(({ ticks }) => ticks).sort((a, b) => a - b);
        if (values.json) {
          printJson({ task: task.name, episodes: kept.length, frames: written.frames, failed, pauses, output });
          return 0;
        }
        print(
          facts([
            ['task', task.name],
            ['written', `${visible(output)}: ${plural(kept.length, 'episode')}, ${count(written.frames)} frames`],
            ['ticks', `${lengths[0]} to ${lengths.at(-1)} an episode, ${lengths[Math.floor(lengths.length / 2)]} in the middle`],
            [
              'failed',
              failed.length === 0 ? 'none' : `${failed.length} of ${kept.length + failed.length}, seeds ${failed.join(', ')}: left out`,
            ],
          ]),
        );
        return 0;
      });
    } finally {
      lock.release();
    }
  },
};

/** The data set; pictures are drawn meanwhile. */
async function writeDataset(
  task: SimulatedTask,
  kept: readonly Demonstration[],
  choice: PictureChoice | undefined,
  sink: DatasetSink,
  signal: AbortSignal,
): Promise<WriteResult> {
  const reader = choice && new SightReader(await startMujoco('demonstrations', importMujoco), task.demonstrations.model, choice.cameras);
  const progress = new Progress();
  try {
    return await writeLeRobotDataset(demonstrationDataset(task, kept, choice && reader && { ...choice, reader }), sink, {
      signal,
      onEpisode: (written, of) => progress.update(`${task.name}: ${written} of ${of} episodes written`),
    });
  } finally {
    progress.done();
    reader?.close();
  }
}

/** Seeds that are tried for so many successes: an expert that fails more often than that is broken. */
function mostSeeds(episodes: number): number {
  return 2 * episodes + 10;
}

interface Extent {
  readonly episodes: number;
  readonly seed: number;
  readonly pauses: boolean;
}

/** Successes of the first seeds that give them. @throws SimulationError where too few do. */
async function demonstrate(
  task: SimulatedTask,
  { episodes, seed, pauses }: Extent,
  signal: AbortSignal,
): Promise<{ kept: Demonstration[]; failed: number[] }> {
  const progress = new Progress();
  const demonstrator = task.demonstrations.create(await startMujoco('demonstrations', importMujoco));
  const kept: Demonstration[] = [];
  const failed: number[] = [];
  try {
    for (let tried = 0; kept.length < episodes; tried++) {
      if (tried === mostSeeds(episodes)) {
        throw new SimulationError(
          `the expert of ${task.name} must succeed in ${episodes} of ${tried} episodes, it did in ${kept.length}: give other options, or another --seed.`,
        );
      }
      const demonstration = attempt(demonstrator, seed + tried, pauses, task.maxTicks);
      if (demonstration?.success) kept.push(demonstration);
      else failed.push(seed + tried);
      progress.update(`${task.name}: ${kept.length} of ${episodes} episodes`);
      // Lets an interruption through.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  } finally {
    progress.done();
    demonstrator.environment.close();
  }
  return { kept, failed };
}
